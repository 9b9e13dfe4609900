import type Database from 'better-sqlite3';
import { UserError } from '../../base/errors.ts';

/** Marks the file as Trainyard's in its header: 'TRYD'. */
export const applicationId = 0x54525944;

/**
 * Steps from an empty database to this program's; a database's user_version counts those it has had.
 * A released step is never changed: what comes later is appended.
 */
const migrations: readonly string[] = [
  `
CREATE TABLE runs (
  serial INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  createdAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL,
  startedAt INTEGER,
  endedAt INTEGER,
  config TEXT NOT NULL,
  device TEXT NOT NULL,
  step INTEGER NOT NULL DEFAULT 0,
  stepsTotal INTEGER,
  tokensSeen INTEGER NOT NULL DEFAULT 0,
  tokensTotal INTEGER,
  lastLoss ANY,
  bestValLoss ANY,
  message TEXT,
  archived INTEGER NOT NULL DEFAULT 0,
  pid INTEGER,
  host TEXT,
  bootId TEXT,
  processStart TEXT,
  heartbeat INTEGER
) STRICT;
CREATE INDEX runsByName ON runs (name);

CREATE TABLE phases (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  step INTEGER NOT NULL,
  time INTEGER NOT NULL,
  PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

-- Not STRICT: a REAL column that may hold the text 'NaN'.
CREATE TABLE metrics (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  step INTEGER NOT NULL,
  loss REAL,
  learningRate REAL,
  gradNorm REAL,
  tokensPerSecond REAL,
  mfu REAL,
  memoryBytes REAL,
  lossScale REAL,
  stepMs REAL,
  tokensSeen REAL,
  time REAL,
  skipped REAL,
  PRIMARY KEY (run, step)
) WITHOUT ROWID;

CREATE TABLE rollups (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  metric INTEGER NOT NULL,
  level INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  count INTEGER NOT NULL,
  nanStep INTEGER,
  min REAL,
  minStep INTEGER,
  max REAL,
  maxStep INTEGER,
  sum REAL,
  PRIMARY KEY (run, metric, level, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE evals (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  step INTEGER NOT NULL,
  kind TEXT NOT NULL,
  dataset TEXT NOT NULL,
  value ANY,
  data TEXT NOT NULL,
  time INTEGER NOT NULL,
  PRIMARY KEY (run, step, kind, dataset)
) STRICT, WITHOUT ROWID;

CREATE TABLE samples (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  step INTEGER NOT NULL,
  prompt TEXT NOT NULL,
  seed INTEGER NOT NULL,
  text TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT;
CREATE INDEX samplesByRun ON samples (run, step);

CREATE TABLE checkpoints (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  step INTEGER NOT NULL,
  path TEXT NOT NULL,
  valLoss ANY,
  bytes INTEGER NOT NULL,
  createdAt INTEGER NOT NULL,
  kept INTEGER NOT NULL DEFAULT 0,
  best INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE datasets (
  name TEXT NOT NULL PRIMARY KEY,
  path TEXT NOT NULL,
  tokenizer TEXT NOT NULL,
  trainTokens INTEGER NOT NULL,
  valTokens INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  createdAt INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  time INTEGER NOT NULL,
  step INTEGER,
  level TEXT NOT NULL,
  kind TEXT NOT NULL,
  message TEXT NOT NULL,
  data TEXT
) STRICT;
CREATE INDEX eventsByRun ON events (run);
`,
  // What the run's machine remembered when a checkpoint was written.
  'ALTER TABLE checkpoints ADD COLUMN machine TEXT;',
  // What one process asks of another that trains a run.
  `
CREATE TABLE phaseRequests (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  change TEXT NOT NULL,
  time INTEGER NOT NULL,
  answered INTEGER NOT NULL,
  refusal TEXT
) STRICT;
CREATE INDEX phaseRequestsByRun ON phaseRequests (run, answered);
`,
  // What people keep with a run, and what it was made from.
  `
ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE runs ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN preset TEXT;
`,
  // A request's number is never given again: an answer that comes late must not become another's.
  `
DROP TABLE phaseRequests;
CREATE TABLE phaseRequests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  change TEXT NOT NULL,
  time INTEGER NOT NULL,
  state TEXT NOT NULL,
  refusal TEXT
) STRICT;
CREATE INDEX phaseRequestsByRun ON phaseRequests (run, state);
`,
  // Not only phases: another process may be asked to pause, to stop, to evaluate.
  `
DROP TABLE phaseRequests;
CREATE TABLE runRequests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  what TEXT NOT NULL,
  time INTEGER NOT NULL,
  state TEXT NOT NULL,
  refusal TEXT
) STRICT;
CREATE INDEX runRequestsByRun ON runRequests (run, state);
`,
  // What came of single items of an evaluation: it goes on where it was, and can be looked into.
  `
CREATE TABLE itemScores (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  step INTEGER NOT NULL,
  task TEXT NOT NULL,
  item INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (run, step, task, item)
) STRICT, WITHOUT ROWID;
`,
  // Paths are relative to the home, which may have been moved since they were written: what follows the home tells.
  `
UPDATE checkpoints SET path = (
  SELECT substr(replace(path, '\\', '/'), instr(replace(path, '\\', '/'), '/runs/' || id || '/checkpoints/') + 1)
  FROM runs WHERE serial = run
) WHERE (SELECT instr(replace(path, '\\', '/'), '/runs/' || id || '/checkpoints/') FROM runs WHERE serial = run) > 0;
UPDATE datasets SET path = 'datasets/' || name
WHERE substr(replace(path, '\\', '/'), -length('/datasets/' || name)) = '/datasets/' || name;
`,
  // A process of another container has a number of its own count.
  `
ALTER TABLE runs ADD COLUMN pidNamespace TEXT;
`,
  // Work that takes longer than a moment, whoever asked for it.
  `
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  input TEXT NOT NULL,
  run TEXT,
  slot TEXT,
  state TEXT NOT NULL,
  position REAL NOT NULL,
  scheduled INTEGER NOT NULL DEFAULT 0,
  createdAt INTEGER NOT NULL,
  startedAt INTEGER,
  endedAt INTEGER,
  progress TEXT,
  output TEXT,
  result TEXT,
  message TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  restarts INTEGER NOT NULL DEFAULT 0,
  cancelAsked INTEGER NOT NULL DEFAULT 0,
  pid INTEGER,
  host TEXT,
  bootId TEXT,
  processStart TEXT,
  pidNamespace TEXT,
  heartbeat INTEGER
) STRICT;
CREATE INDEX jobsByState ON jobs (state, position);

CREATE TABLE jobLog (
  id INTEGER PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  time INTEGER NOT NULL,
  message TEXT NOT NULL
) STRICT;
CREATE INDEX jobLogByJob ON jobLog (job);
`,
  `
CREATE TABLE generations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL,
  name TEXT NOT NULL,
  step INTEGER NOT NULL,
  prompt TEXT NOT NULL,
  text TEXT NOT NULL,
  settings TEXT NOT NULL,
  notices TEXT NOT NULL,
  tokens TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT;
CREATE INDEX generationsByRun ON generations (run, id);
`,
  // A run that its user has stopped is complete; what was called stopped was paused.
  `
ALTER TABLE runs ADD COLUMN stoppedEarly INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET state = 'paused' WHERE state = 'stopped';
`,
  // What machine and GPU tell while a run trains.
  `
ALTER TABLE metrics ADD COLUMN cpuUtilization REAL;
ALTER TABLE metrics ADD COLUMN cpuTemperature REAL;
ALTER TABLE metrics ADD COLUMN cpuPower REAL;
ALTER TABLE metrics ADD COLUMN machineMemoryBytes REAL;
ALTER TABLE metrics ADD COLUMN gpuUtilization REAL;
ALTER TABLE metrics ADD COLUMN gpuTemperature REAL;
ALTER TABLE metrics ADD COLUMN gpuPower REAL;
ALTER TABLE metrics ADD COLUMN gpuMemoryBytes REAL;
`,
  // Where a run is to end whose user has stopped it: what crashes before it is complete ends there once it goes on.
  `
ALTER TABLE runs ADD COLUMN stopAt INTEGER;
`,
  // A request whose answer was lost asks again for the run that it has made.
  `
ALTER TABLE runs ADD COLUMN requestKey TEXT;
CREATE UNIQUE INDEX runsByRequest ON runs (requestKey) WHERE requestKey IS NOT NULL;
`,
];

export const schemaVersion = migrations.length;

const pragma = (db: Database.Database, name: string): number => db.pragma(name, { simple: true }) as number;

/**
 * Refuses a database that this program must not write: a newer one, or another program's. Changes nothing.
 * @returns whether migrations are missing
 */
export function checkVersion(db: Database.Database, file: string): boolean {
  const version = pragma(db, 'user_version');
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
  if (tables > 0 && pragma(db, 'application_id') !== applicationId) {
    throw new UserError(`${file} is another program's database: choose another folder with --home, or move it away.`);
  }
  if (version > schemaVersion) {
    throw new UserError(
      `The database ${file} was written by a newer Trainyard (its version ${version}, this program's ${schemaVersion}): update Trainyard.`,
    );
  }
  return version < schemaVersion;
}

/**
 * Brings the database up to date in one transaction; nothing happens where it is.
 * @param to the version to stop at
 */
export function migrate(db: Database.Database, file: string, to: number = schemaVersion): void {
  db.transaction(() => {
    // Again, under the lock: another process may have been here first.
    if (!checkVersion(db, file)) return;
    for (const step of migrations.slice(pragma(db, 'user_version'), to)) db.exec(step);
    db.pragma(`user_version = ${to}`);
    db.pragma(`application_id = ${applicationId}`);
  }).immediate();
}
