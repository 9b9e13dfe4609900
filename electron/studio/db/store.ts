import os from 'node:os';
import type { Database } from 'better-sqlite3';
import {
  type Compilable,
  DummyDriver,
  type Insertable,
  Kysely,
  type Selectable,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { UserError } from '../../errors.ts';
import { dbPath } from '../home.ts';
import { newRunId } from './ids.ts';
import { MetricsWriter, readSeries, type SeriesPoint, type SeriesRange, truncateMetrics } from './metrics.ts';
import { asUserError, openDatabase } from './open.ts';
import type { EventLevel, MetricColumn, RunState, Tables } from './schema.ts';

/** A run as the rest of the program sees it. */
export type Run = Omit<Selectable<Tables['runs']>, 'config' | 'archived'> & {
  readonly config: unknown;
  readonly archived: boolean;
};
export type Evaluation = Omit<Selectable<Tables['evals']>, 'value' | 'detail'> & {
  readonly value: number;
  readonly detail: unknown;
};
export type Sample = Selectable<Tables['samples']>;
export type Checkpoint = Selectable<Tables['checkpoints']>;
export type Event = Omit<Selectable<Tables['events']>, 'data'> & { readonly data: unknown };

export interface NewRun {
  readonly name: string;
  readonly config: object;
  readonly device: string;
  readonly stepsTotal: number;
  readonly tokensTotal: number;
}

/** A process that has said nothing for so long is taken for dead when its machine can't be asked. */
const silentMs = 10 * 60_000;

/** Writes SQL with types; the statements run on better-sqlite3, which answers at once. */
const sql = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

/** All that is remembered of runs, in `<home>/trainyard.db`. */
export class Store {
  readonly #db: Database;
  readonly #file: string;

  constructor(home: string) {
    this.#file = dbPath(home);
    this.#db = openDatabase(this.#file);
  }

  createRun({ name, config, device, stepsTotal, tokensTotal }: NewRun): Run {
    const now = Date.now();
    const row: Insertable<Tables['runs']> = {
      id: newRunId(),
      name,
      state: 'preparing',
      message: '',
      config: JSON.stringify(config),
      device,
      createdAt: now,
      updatedAt: now,
      stepsTotal,
      tokensTotal,
    };
    this.#execute(sql.insertInto('runs').values(row));
    return this.getRun(row.id);
  }

  /** @param key an id, the beginning of one run's id, or a name. @throws UserError when none or several match */
  getRun(key: string): Run {
    const runs = this.listRuns();
    const exact = runs.find((r) => r.id === key);
    if (exact) return exact;
    const matches = runs.filter((r) => r.id.startsWith(key) || r.name === key);
    if (matches.length === 1) return matches[0]!;
    const some = (matches.length > 0 ? matches : runs).slice(0, 5).map((r) => `${r.id} (${r.name})`);
    if (matches.length > 1) throw new UserError(`"${key}" could be several runs: ${some.join(', ')}. Give an id.`);
    const hint = some.length > 0 ? `The latest are ${some.join(', ')}.` : 'There are no runs yet.';
    throw new UserError(`There is no run "${key}". ${hint}`);
  }

  /** Newest first. */
  listRuns({ archived }: { readonly archived?: boolean } = {}): Run[] {
    let query = sql.selectFrom('runs').selectAll().orderBy('createdAt', 'desc').orderBy('id');
    if (archived !== undefined) query = query.where('archived', '=', archived ? 1 : 0);
    return this.#all(query).map((r) => ({ ...r, config: JSON.parse(r.config), archived: r.archived === 1 }));
  }

  setRunState(id: string, state: RunState, message = ''): void {
    this.#execute(sql.updateTable('runs').set({ state, message, updatedAt: Date.now() }).where('id', '=', id));
  }

  /** Says that this process trains the run. @throws UserError when another one that lives does */
  claimRun(id: string): void {
    const claim = this.#db.transaction(() => {
      const run = this.getRun(id);
      if (run.pid !== null && ownerLives(run)) {
        throw new UserError(
          `The run ${id} is being trained by process ${run.pid} on ${run.host}: stop it there first.`,
        );
      }
      const owner = { pid: process.pid, host: os.hostname(), heartbeat: Date.now() };
      this.#execute(sql.updateTable('runs').set(owner).where('id', '=', id));
    });
    this.#guard(() => claim.immediate());
  }

  releaseRun(id: string): void {
    this.#execute(sql.updateTable('runs').set({ pid: null, host: null, heartbeat: null }).where('id', '=', id));
  }

  /** Runs whose process is gone were killed: they become `interrupted`. @returns their ids */
  markInterrupted(): string[] {
    const dead = this.listRuns().filter((r) => r.pid !== null && !ownerLives(r));
    for (const run of dead) {
      this.releaseRun(run.id);
      if (run.state !== 'preparing' && run.state !== 'training') continue;
      const message = 'its process ended without a word; resume it from its last checkpoint';
      this.setRunState(run.id, 'interrupted', message);
      this.addEvent(run.id, run.step, 'warning', 'interrupted', message);
    }
    return dead.map((r) => r.id);
  }

  metricsWriter(runId: string): MetricsWriter {
    return new MetricsWriter(this.#db, runId);
  }

  readSeries(runId: string, column: MetricColumn, range: SeriesRange): SeriesPoint[] {
    return this.#guard(() => readSeries(this.#db, runId, column, range));
  }

  /** Forgets what came after a step: the run goes on from there. */
  truncateAfter(runId: string, step: number): void {
    const truncate = this.#db.transaction(() => {
      truncateMetrics(this.#db, runId, step);
      for (const table of ['evals', 'samples', 'checkpoints'] as const) {
        this.#execute(sql.deleteFrom(table).where('runId', '=', runId).where('step', '>', step));
      }
      const best = this.#all(
        sql
          .selectFrom('evals')
          .select((e) => e.fn.min('value').as('value'))
          .where('runId', '=', runId)
          .where('kind', '=', 'validation'),
      )[0]?.value;
      const last = this.#db
        .prepare('SELECT step, tokensSeen, loss FROM metrics WHERE runId = ? ORDER BY step DESC LIMIT 1')
        .get(runId) as { step: number; tokensSeen: number; loss: number } | undefined;
      const known = { step: last?.step ?? 0, tokensSeen: last?.tokensSeen ?? 0, lastLoss: last?.loss ?? null };
      this.#execute(
        sql
          .updateTable('runs')
          .set({ ...known, bestValLoss: best ?? null })
          .where('id', '=', runId),
      );
    });
    this.#guard(() => truncate.immediate());
  }

  addEval(runId: string, step: number, kind: string, value: number, detail: object = {}): void {
    const row = {
      runId,
      step,
      kind,
      value: Number.isFinite(value) ? value : null,
      detail: JSON.stringify(detail),
      time: Date.now(),
    };
    this.#execute(sql.replaceInto('evals').values(row));
    if (kind !== 'validation' || row.value === null) return;
    const better = sql
      .updateTable('runs')
      .set({ bestValLoss: value })
      .where('id', '=', runId)
      .where((e) => e.or([e('bestValLoss', 'is', null), e('bestValLoss', '>', value)]));
    this.#execute(better);
  }

  /** By step; a value that is not finite is NaN. */
  listEvals(runId: string): Evaluation[] {
    const rows = this.#all(
      sql.selectFrom('evals').selectAll().where('runId', '=', runId).orderBy('step').orderBy('kind'),
    );
    return rows.map((r) => ({ ...r, value: r.value ?? Number.NaN, detail: JSON.parse(r.detail) }));
  }

  addSample(runId: string, step: number, prompt: string, seed: number, text: string): void {
    this.#execute(sql.replaceInto('samples').values({ runId, step, prompt, seed, text, time: Date.now() }));
  }

  listSamples(runId: string): Sample[] {
    return this.#all(sql.selectFrom('samples').selectAll().where('runId', '=', runId).orderBy('step').orderBy('seed'));
  }

  addCheckpoint(
    runId: string,
    { step, path, bytes, best }: { step: number; path: string; bytes: number; best: boolean },
  ): void {
    const row = { runId, step, path, bytes, best: best ? 1 : 0, time: Date.now() };
    this.#execute(sql.replaceInto('checkpoints').values(row));
  }

  removeCheckpoint(runId: string, step: number): void {
    this.#execute(sql.deleteFrom('checkpoints').where('runId', '=', runId).where('step', '=', step));
  }

  listCheckpoints(runId: string): Checkpoint[] {
    return this.#all(sql.selectFrom('checkpoints').selectAll().where('runId', '=', runId).orderBy('step'));
  }

  addEvent(runId: string, step: number | null, level: EventLevel, kind: string, message: string, data?: object): void {
    const row = { runId, step, level, kind, message, data: data ? JSON.stringify(data) : null, time: Date.now() };
    this.#execute(sql.insertInto('events').values(row));
  }

  listEvents(runId: string): Event[] {
    const rows = this.#all(sql.selectFrom('events').selectAll().where('runId', '=', runId).orderBy('id'));
    return rows.map((r) => ({ ...r, data: r.data === null ? undefined : JSON.parse(r.data) }));
  }

  close(): void {
    this.#db.close();
  }

  #execute(query: Compilable): void {
    const { sql: text, parameters } = query.compile();
    this.#guard(() => this.#db.prepare(text).run(...parameters));
  }

  #all<Row>(query: Compilable<Row>): Row[] {
    const { sql: text, parameters } = query.compile();
    return this.#guard(() => this.#db.prepare(text).all(...parameters) as Row[]);
  }

  #guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw asUserError(error, this.#file);
    }
  }
}

/** Whether the process that claimed a run still lives. On another machine only its heartbeat can tell. */
function ownerLives({ pid, host, heartbeat }: Pick<Run, 'pid' | 'host' | 'heartbeat'>): boolean {
  if (pid === null) return false;
  if (host !== os.hostname()) return Date.now() - (heartbeat ?? 0) < silentMs;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
