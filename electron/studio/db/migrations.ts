import type { Database } from 'better-sqlite3';
import { UserError } from '../../errors.ts';
import { metricColumns } from './schema.ts';

const real = metricColumns.map((c) => `${c} REAL`).join(', ');
const rolled = metricColumns.map((c) => `${c}Min REAL, ${c}Max REAL, ${c}Sum REAL, ${c}Count INTEGER`).join(', ');

/** Each brings a store from the version of its place to the next. Never changed once released; new ones go to the end. */
const migrations: readonly string[] = [
  `
  CREATE TABLE runs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL, message TEXT NOT NULL, config TEXT NOT NULL,
    device TEXT NOT NULL, createdAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL, step INTEGER NOT NULL DEFAULT 0,
    stepsTotal INTEGER NOT NULL, tokensSeen INTEGER NOT NULL DEFAULT 0, tokensTotal INTEGER NOT NULL, lastLoss REAL,
    bestValLoss REAL, pid INTEGER, host TEXT, heartbeat INTEGER, archived INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE metrics (
    runId TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, step INTEGER NOT NULL, ${real}, PRIMARY KEY (runId, step)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rollups (
    runId TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, level INTEGER NOT NULL, bucket INTEGER NOT NULL, ${rolled},
    PRIMARY KEY (runId, level, bucket)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE evals (
    runId TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, step INTEGER NOT NULL, kind TEXT NOT NULL, value REAL,
    detail TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (runId, step, kind)
  ) STRICT;
  CREATE TABLE samples (
    runId TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, step INTEGER NOT NULL, prompt TEXT NOT NULL,
    seed INTEGER NOT NULL, text TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (runId, step, prompt, seed)
  ) STRICT;
  CREATE TABLE checkpoints (
    runId TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, step INTEGER NOT NULL, path TEXT NOT NULL,
    bytes INTEGER NOT NULL, best INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (runId, step)
  ) STRICT;
  CREATE TABLE events (
    id INTEGER PRIMARY KEY, runId TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, step INTEGER, level TEXT NOT NULL,
    kind TEXT NOT NULL, message TEXT NOT NULL, data TEXT, time INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX eventsByRun ON events (runId, id);
  `,
];

export const schemaVersion = migrations.length;

/** Brings a database to the newest version, in one transaction. @throws UserError when it is newer than this program */
export function migrate(db: Database, file: string): void {
  const upgrade = db.transaction(() => {
    const version = db.pragma('user_version', { simple: true }) as number;
    if (version > schemaVersion) {
      throw new UserError(
        `The store ${file} was written by a newer Trainyard (version ${version}): update the program.`,
      );
    }
    for (const sql of migrations.slice(version)) db.exec(sql);
    db.pragma(`user_version = ${schemaVersion}`);
  });
  upgrade.immediate();
}
