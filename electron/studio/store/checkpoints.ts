import { type Connection, sql } from './connection.ts';
import { parseStored } from './errors.ts';
import { placeOf, storedPath } from './places.ts';
import { fromStored, toStored } from './schema.ts';
import { byRun, type RunSerials } from './serials.ts';

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

/** The checkpoints that runs have on the disk. */
export class CheckpointTable {
  readonly #connection: Connection;
  readonly #serials: RunSerials;

  constructor(connection: Connection, serials: RunSerials) {
    this.#connection = connection;
    this.#serials = serials;
  }

  /** Stores a checkpoint; one of the same step is replaced, and only one is the best. */
  add(id: string, checkpoint: NewCheckpoint): void {
    const run = this.#serials.changing(id);
    const { step, bytes, valLoss, kept = false, best = false } = checkpoint;
    const changing = {
      path: storedPath(this.#connection.home, checkpoint.path),
      bytes,
      valLoss: toStored(valLoss),
      kept: kept ? 1 : 0,
      best: best ? 1 : 0,
      createdAt: Date.now(),
      machine: checkpoint.machine === undefined ? null : JSON.stringify(checkpoint.machine),
    };
    this.#connection.write(() => {
      if (best) this.#connection.run(sql.updateTable('checkpoints').set({ best: 0 }).where('run', '=', run));
      this.#connection.run(
        sql
          .insertInto('checkpoints')
          .values({ run, step, ...changing })
          .onConflict((c) => c.columns(['run', 'step']).doUpdateSet(changing)),
      );
    });
  }

  /** Forgets a checkpoint; its files are not touched. */
  remove(id: string, step: number): void {
    const query = sql.deleteFrom('checkpoints').where('run', '=', this.#serials.changing(id));
    this.#connection.run(query.where('step', '=', step));
  }

  keep(id: string, step: number, kept: boolean): void {
    const query = sql.updateTable('checkpoints').set({ kept: kept ? 1 : 0 });
    this.#connection.run(query.where('run', '=', this.#serials.changing(id)).where('step', '=', step));
  }

  /** By their steps. */
  list(id: string): CheckpointRecord[] {
    const { home, file } = this.#connection;
    const columns = ['step', 'path', 'valLoss', 'bytes', 'createdAt', 'kept', 'best', 'machine'] as const;
    const query = sql.selectFrom('checkpoints').select(columns).where('run', '=', this.#serials.of(id));
    return this.#connection.all(query.orderBy('step')).map((row) => ({
      ...row,
      path: placeOf(home, row.path),
      valLoss: fromStored(row.valLoss),
      kept: row.kept === 1,
      best: row.best === 1,
      machine: row.machine === null ? null : parseStored(row.machine, `The database ${file}`),
    }));
  }

  /** The checkpoints of all runs, by the runs' ids. */
  listAll(): ReadonlyMap<string, readonly Pick<CheckpointRecord, 'step' | 'kept'>[]> {
    const query = sql
      .selectFrom('checkpoints')
      .innerJoin('runs', 'runs.serial', 'checkpoints.run')
      .select(['runs.id', 'checkpoints.step', 'checkpoints.kept']);
    return byRun(this.#connection.all(query), ({ step, kept }) => ({ step, kept: kept === 1 }));
  }
}
