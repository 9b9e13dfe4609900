import { type Connection, sql } from './connection.ts';
import { parseStored } from './errors.ts';
import { byRun } from './records.ts';
import { placeOf, storedPath } from './places.ts';
import { fromStored, toStored } from './schema.ts';

export interface CheckpointRecord {
  readonly step: number;
  /** Absolute, in the home as it is open now. */
  readonly path: string;
  readonly valLoss: number | null;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** The user wants it kept, whatever the rule for old ones says. */
  readonly kept: boolean;
  /** It has the run's best validation loss. */
  readonly best: boolean;
  /** What the run's machine remembered then; null where it is not known. */
  readonly machine: unknown;
}

export interface NewCheckpoint {
  readonly step: number;
  readonly path: string;
  readonly bytes: number;
  readonly valLoss?: number | null;
  readonly kept?: boolean;
  readonly best?: boolean;
  /** What the run's machine remembers, as plain data. */
  readonly machine?: unknown;
}

/** Stores a checkpoint; one of the same step is replaced, and only one is the best. */
export function addCheckpoint(connection: Connection, run: number, checkpoint: NewCheckpoint): void {
  const { step, bytes, valLoss, kept = false, best = false } = checkpoint;
  const changing = {
    path: storedPath(connection.home, checkpoint.path),
    bytes,
    valLoss: toStored(valLoss),
    kept: kept ? 1 : 0,
    best: best ? 1 : 0,
    createdAt: Date.now(),
    machine: checkpoint.machine === undefined ? null : JSON.stringify(checkpoint.machine),
  };
  connection.write(() => {
    if (best) connection.run(sql.updateTable('checkpoints').set({ best: 0 }).where('run', '=', run));
    connection.run(
      sql
        .insertInto('checkpoints')
        .values({ run, step, ...changing })
        .onConflict((c) => c.columns(['run', 'step']).doUpdateSet(changing)),
    );
  });
}

/** Forgets a checkpoint; its files are not touched. */
export function removeCheckpoint(connection: Connection, run: number, step: number): void {
  connection.run(sql.deleteFrom('checkpoints').where('run', '=', run).where('step', '=', step));
}

export function keepCheckpoint(connection: Connection, run: number, step: number, kept: boolean): void {
  const query = sql.updateTable('checkpoints').set({ kept: kept ? 1 : 0 });
  connection.run(query.where('run', '=', run).where('step', '=', step));
}

export function listCheckpoints(connection: Connection, run: number): CheckpointRecord[] {
  const columns = ['step', 'path', 'valLoss', 'bytes', 'createdAt', 'kept', 'best', 'machine'] as const;
  return connection
    .all(sql.selectFrom('checkpoints').select(columns).where('run', '=', run).orderBy('step'))
    .map((row) => ({
      ...row,
      path: placeOf(connection.home, row.path),
      valLoss: fromStored(row.valLoss),
      kept: row.kept === 1,
      best: row.best === 1,
      machine: row.machine === null ? null : parseStored(row.machine, `The database ${connection.file}`),
    }));
}

/** The checkpoints of all runs, by the runs' ids. */
export function listAllCheckpoints(connection: Connection): Map<string, Pick<CheckpointRecord, 'step' | 'kept'>[]> {
  const query = sql
    .selectFrom('checkpoints')
    .innerJoin('runs', 'runs.serial', 'checkpoints.run')
    .select(['runs.id', 'checkpoints.step', 'checkpoints.kept']);
  return byRun(connection.all(query), ({ step, kept }) => ({ step, kept: kept === 1 }));
}
