import type { Selectable } from 'kysely';
import { type Connection, sql } from './connection.ts';
import { parseStored } from './errors.ts';
import { fromStored, type Tables, toStored } from './schema.ts';
import { byRun, type RunSerials } from './serials.ts';

export interface EvalRecord {
  readonly step: number;
  /** What was measured: `validation` (nats a token), `hellaswag` … */
  readonly kind: string;
  /** On what; empty for the run's own validation split. */
  readonly dataset: string;
  readonly value: number;
  readonly data: unknown;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Sets the run's best validation loss to the least of those stored; NaN is none. */
export function updateBest(connection: Connection, run: number): void {
  const losses = sql.selectFrom('evals').select('value').where('run', '=', run).where('kind', '=', 'validation');
  const values = connection.all(losses.where('dataset', '=', '')).map((row) => fromStored(row.value));
  const best = Math.min(...values.filter((value) => value !== null && !Number.isNaN(value)).map(Number));
  connection.run(
    sql
      .updateTable('runs')
      .set({ bestValLoss: best === Number.POSITIVE_INFINITY ? null : best })
      .where('serial', '=', run),
  );
}

type EvalColumns = Pick<Selectable<Tables['evals']>, 'step' | 'kind' | 'dataset' | 'value' | 'data' | 'time'>;

const toEval = ({ step, kind, dataset, value, data, time }: EvalColumns, file: string): EvalRecord => ({
  ...{ step, kind, dataset, time },
  value: fromStored(value) ?? Number.NaN,
  data: parseStored(data, file),
});

/** The evaluations of runs, at whatever steps they were made. */
export class EvalTable {
  readonly #connection: Connection;
  readonly #serials: RunSerials;

  constructor(connection: Connection, serials: RunSerials) {
    this.#connection = connection;
    this.#serials = serials;
  }

  /**
   * Stores an evaluation; one of the same step, kind and dataset is replaced.
   * @param dataset empty for the run's own validation split: its `validation` losses make the run's best
   */
  add(id: string, step: number, kind: string, value: number, data?: unknown, dataset = ''): void {
    const run = this.#serials.changing(id);
    const changing = { value: toStored(value), data: JSON.stringify(data ?? {}), time: Date.now() };
    this.#connection.write(() => {
      this.#connection.run(
        sql
          .insertInto('evals')
          .values({ run, step, kind, dataset, ...changing })
          .onConflict((c) => c.columns(['run', 'step', 'kind', 'dataset']).doUpdateSet(changing)),
      );
      updateBest(this.#connection, run);
    });
  }

  list(id: string): EvalRecord[] {
    const columns = ['step', 'kind', 'dataset', 'value', 'data', 'time'] as const;
    const query = sql.selectFrom('evals').select(columns).where('run', '=', this.#serials.of(id));
    return this.#connection
      .all(query.orderBy('step').orderBy('kind').orderBy('dataset'))
      .map((row) => toEval(row, this.#source));
  }

  /** The evaluations of all runs by their ids, each run's as `list` orders them: at once, where there are thousands of runs. */
  listAll(): ReadonlyMap<string, EvalRecord[]> {
    const query = sql
      .selectFrom('evals')
      .innerJoin('runs', 'runs.serial', 'evals.run')
      .select(['runs.id', 'evals.step', 'kind', 'dataset', 'value', 'data', 'time']);
    const ordered = query.orderBy('evals.run').orderBy('evals.step').orderBy('kind').orderBy('dataset');
    return byRun(this.#connection.all(ordered), (row) => toEval(row, this.#source));
  }

  /** What the last validation loss of a run's own validation split was taken over; undefined where there is none yet. */
  latestValidation(id: string): unknown {
    const query = sql
      .selectFrom('evals')
      .select('data')
      .where('run', '=', this.#serials.of(id))
      .where('kind', '=', 'validation')
      .where('dataset', '=', '');
    const row = this.#connection.first(query.orderBy('step', 'desc').limit(1));
    return row && parseStored(row.data, this.#source);
  }

  /** The same of all runs by their ids. */
  latestValidations(): ReadonlyMap<string, unknown> {
    const query = sql
      .selectFrom('evals')
      .innerJoin('runs', 'runs.serial', 'evals.run')
      .where('kind', '=', 'validation')
      .where('dataset', '=', '')
      // SQLite takes the other columns from the row that has the greatest.
      .select((e) => ['runs.id', 'data', e.fn.max('evals.step').as('step')])
      .groupBy('evals.run');
    return new Map(this.#connection.all(query).map(({ id, data }) => [id, parseStored(data, this.#source)]));
  }

  /** Deletes those of later steps. */
  truncateAfter(id: string, step: number): void {
    const run = this.#serials.changing(id);
    this.#connection.write(() => {
      this.#connection.run(sql.deleteFrom('evals').where('run', '=', run).where('step', '>', step));
      updateBest(this.#connection, run);
    });
  }

  /** What is damaged where a value can't be read. */
  get #source(): string {
    return `The database ${this.#connection.file}`;
  }
}
