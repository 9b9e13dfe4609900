import type { Selectable } from 'kysely';
import { type Connection, sql } from './connection.ts';
import { parseStored } from './errors.ts';
import { type EventLevel, fromStored, type Tables, toStored } from './schema.ts';

/** Times are milliseconds since 1970. */
export interface RunEventRecord {
  readonly id: number;
  readonly time: number;
  readonly step: number | null;
  readonly level: EventLevel;
  readonly kind: string;
  readonly message: string;
  readonly data: unknown;
}

export interface EvalRecord {
  readonly step: number;
  /** What was measured: `validation` (nats a token), `hellaswag` … */
  readonly kind: string;
  /** On what; empty for the run's own validation split. */
  readonly dataset: string;
  readonly value: number;
  readonly data: unknown;
  readonly time: number;
}

export interface SampleRecord {
  readonly id: number;
  readonly step: number;
  readonly prompt: string;
  readonly seed: number;
  readonly text: string;
  readonly time: number;
}

export interface PhaseRecord {
  /** Place in the plan, from 0. */
  readonly index: number;
  readonly kind: string;
  /** Step at which the phase began. */
  readonly step: number;
  readonly time: number;
}

export function addEvent(connection: Connection, run: number, event: Omit<RunEventRecord, 'id' | 'time'>): void {
  const { data, ...rest } = event;
  const json = data === undefined ? null : JSON.stringify(data);
  connection.run(sql.insertInto('events').values({ ...rest, run, time: Date.now(), data: json }));
}

/** Events in the order they happened, those after an id. */
export function listEvents(connection: Connection, run: number, after = 0): RunEventRecord[] {
  const columns = ['id', 'time', 'step', 'level', 'kind', 'message', 'data'] as const;
  const rows = connection.all(
    sql.selectFrom('events').select(columns).where('run', '=', run).where('id', '>', after).orderBy('id'),
  );
  return rows.map((row) => ({
    ...row,
    data: row.data === null ? null : parseStored(row.data, `The database ${connection.file}`),
  }));
}

/** Stores an evaluation; one of the same step, kind and dataset is replaced. */
export function addEval(connection: Connection, run: number, record: Omit<EvalRecord, 'time'>): void {
  const { step, kind, dataset } = record;
  const changing = { value: toStored(record.value), data: JSON.stringify(record.data ?? {}), time: Date.now() };
  connection.write(() => {
    connection.run(
      sql
        .insertInto('evals')
        .values({ run, step, kind, dataset, ...changing })
        .onConflict((c) => c.columns(['run', 'step', 'kind', 'dataset']).doUpdateSet(changing)),
    );
    updateBest(connection, run);
  });
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

export function listEvals(connection: Connection, run: number): EvalRecord[] {
  const columns = ['step', 'kind', 'dataset', 'value', 'data', 'time'] as const;
  const query = sql.selectFrom('evals').select(columns).where('run', '=', run);
  return connection
    .all(query.orderBy('step').orderBy('kind').orderBy('dataset'))
    .map((row) => toEval(row, `The database ${connection.file}`));
}

type EvalColumns = Pick<Selectable<Tables['evals']>, 'step' | 'kind' | 'dataset' | 'value' | 'data' | 'time'>;

const toEval = ({ step, kind, dataset, value, data, time }: EvalColumns, file: string): EvalRecord => ({
  ...{ step, kind, dataset, time },
  value: fromStored(value) ?? Number.NaN,
  data: parseStored(data, file),
});

/** The evaluations of all runs by their ids, each run's as `listEvals` orders them. */
export function listAllEvals(connection: Connection): Map<string, EvalRecord[]> {
  const query = sql
    .selectFrom('evals')
    .innerJoin('runs', 'runs.serial', 'evals.run')
    .select(['runs.id', 'evals.step', 'kind', 'dataset', 'value', 'data', 'time']);
  const rows = connection.all(query.orderBy('evals.run').orderBy('evals.step').orderBy('kind').orderBy('dataset'));
  return byRun(rows, (row) => toEval(row, `The database ${connection.file}`));
}

/** Rows by the ids of their runs. */
export function byRun<Row extends { readonly id: string }, T>(
  rows: readonly Row[],
  of: (row: Row) => T,
): Map<string, T[]> {
  const all = new Map<string, T[]>();
  for (const row of rows) {
    const list = all.get(row.id);
    if (list) list.push(of(row));
    else all.set(row.id, [of(row)]);
  }
  return all;
}

/** What the last validation loss of a run's own validation split was taken over; undefined where there is none yet. */
export function latestValidation(connection: Connection, run: number): unknown {
  const query = sql
    .selectFrom('evals')
    .select('data')
    .where('run', '=', run)
    .where('kind', '=', 'validation')
    .where('dataset', '=', '');
  const row = connection.first(query.orderBy('step', 'desc').limit(1));
  return row && parseStored(row.data, `The database ${connection.file}`);
}

/** The same of all runs by their ids. */
export function latestValidations(connection: Connection): Map<string, unknown> {
  const query = sql
    .selectFrom('evals')
    .innerJoin('runs', 'runs.serial', 'evals.run')
    .where('kind', '=', 'validation')
    .where('dataset', '=', '')
    // SQLite takes the other columns from the row that has the greatest.
    .select((e) => ['runs.id', 'data', e.fn.max('evals.step').as('step')])
    .groupBy('evals.run');
  const file = `The database ${connection.file}`;
  return new Map(connection.all(query).map(({ id, data }) => [id, parseStored(data, file)]));
}

export function addSample(connection: Connection, run: number, sample: Omit<SampleRecord, 'id' | 'time'>): void {
  connection.run(sql.insertInto('samples').values({ ...sample, run, time: Date.now() }));
}

export function listSamples(connection: Connection, run: number): SampleRecord[] {
  const columns = ['id', 'step', 'prompt', 'seed', 'text', 'time'] as const;
  const query = sql.selectFrom('samples').select(columns).where('run', '=', run);
  return connection.all(query.orderBy('step').orderBy('id'));
}

/** Stores when a phase began; a resumed run that enters it again keeps the earlier step. */
export function addPhase(connection: Connection, run: number, phase: Omit<PhaseRecord, 'time'>): void {
  const { index: position, kind, step } = phase;
  connection.run(
    sql
      .insertInto('phases')
      .values({ run, position, kind, step, time: Date.now() })
      .onConflict((c) => c.columns(['run', 'position']).doNothing()),
  );
}

/** Deletes the phases that began at a step or later. */
export function removePhasesFrom(connection: Connection, run: number, step: number): void {
  connection.run(sql.deleteFrom('phases').where('run', '=', run).where('step', '>=', step));
}

export function listPhases(connection: Connection, run: number): PhaseRecord[] {
  const query = sql.selectFrom('phases').select(['position as index', 'kind', 'step', 'time']).where('run', '=', run);
  return connection.all(query.orderBy('position'));
}

/** Deletes evaluations, samples and phases after a step; call it inside a transaction. */
export function truncateRecords(connection: Connection, run: number, step: number): void {
  connection.run(sql.deleteFrom('evals').where('run', '=', run).where('step', '>', step));
  connection.run(sql.deleteFrom('itemScores').where('run', '=', run).where('step', '>', step));
  connection.run(sql.deleteFrom('samples').where('run', '=', run).where('step', '>', step));
  connection.run(sql.deleteFrom('phases').where('run', '=', run).where('step', '>', step));
  updateBest(connection, run);
}
