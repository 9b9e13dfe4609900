import { setImmediate } from 'node:timers/promises';
import { formatCount, plural } from '../../base/format.ts';
import { UserError } from '../../base/errors.ts';
import { hasUnheard } from '../../engine/process/orphan.ts';
import { runDir } from '../home.ts';
import { nobody } from './claims.ts';
import { type Connection, sql } from './connection.ts';
import { parseStored } from './errors.ts';
import { nearest, randomId } from './ids.ts';
import { plainName } from './names.ts';
import { removeRunFile } from './runFile.ts';
import { fromStored, type RunRow, type RunState, stateOf } from './schema.ts';
import type { RunSerials } from './serials.ts';
import type { Store } from './store.ts';

export interface Run {
  readonly id: string;
  readonly name: string;
  readonly state: RunState;
  /** Times are milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly config: unknown;
  readonly device: string;
  /** Progress as of the last metrics stored. */
  readonly step: number;
  readonly stepsTotal: number | null;
  readonly tokensSeen: number;
  readonly tokensTotal: number | null;
  readonly lastLoss: number | null;
  readonly bestValLoss: number | null;
  /** Why the run rests. */
  readonly message: string | null;
  /** It is complete, and its user has stopped it before its phases had ended. */
  readonly stoppedEarly: boolean;
  /** The step at which its user has stopped it, until it is complete; one that crashes before ends there once it goes on. */
  readonly stopAt: number | null;
  readonly archived: boolean;
  readonly tags: readonly string[];
  readonly notes: string;
  /** The preset that it was made from, if any. */
  readonly preset: string | null;
  /** The process that trains it, if any, and when it last said that it lives. */
  readonly pid: number | null;
  readonly host: string | null;
  readonly heartbeat: number | null;
}

export interface NewRun {
  readonly name: string;
  readonly config: unknown;
  readonly device: string;
  readonly stepsTotal?: number | null;
  readonly tokensTotal?: number | null;
  readonly preset?: string | null;
  /** What the request that makes it is called: see `requested`. */
  readonly requestKey?: string | undefined;
}

export type RunPatch = Partial<
  Pick<
    Run,
    'name' | 'config' | 'device' | 'stepsTotal' | 'tokensTotal' | 'archived' | 'message' | 'tags' | 'notes' | 'stopAt'
  >
>;

export interface RunFilter {
  /** Default: archived ones and others. */
  readonly archived?: boolean;
  readonly state?: RunState | readonly RunState[];
}

const recordOf = ({ id }: RunRow): string => `The record of the run ${id} in the database`;

function toRun(row: RunRow): Run {
  const { serial: _serial, bootId: _bootId, processStart: _processStart, pidNamespace: _namespace, ...rest } = row;
  return {
    ...rest,
    // Of a process of an earlier version, which still runs.
    state: stateOf(row.state),
    stoppedEarly: row.stoppedEarly === 1,
    config: parseStored(row.config, recordOf(row)),
    lastLoss: fromStored(row.lastLoss),
    bestValLoss: fromStored(row.bestValLoss),
    archived: row.archived === 1,
    tags: parseStored(row.tags, recordOf(row)) as string[],
  };
}

const listing = (runs: readonly RunRow[]): string => {
  const shown = runs.slice(0, 5).map((r) => `${r.id} (${r.name}, ${new Date(r.createdAt).toISOString().slice(0, 16)})`);
  return shown.join(', ') + (runs.length > shown.length ? ' and more' : '');
};

const activeStates: readonly RunState[] = ['preparing', 'training', 'paused'];
const restingStates: readonly RunState[] = ['completed', 'failed', 'interrupted'];

/** Rows of a run that is deleted in turns, for each turn. */
const rowsPerTurn = 2000;

/** What is recorded of runs besides their own rows. */
export type RunTables = Pick<
  Store,
  'checkpoints' | 'claims' | 'metrics' | 'events' | 'evals' | 'itemScores' | 'samples' | 'phases'
>;

/** The runs themselves. They are named by their whole id; only `get` takes less. */
export class RunTable {
  readonly #connection: Connection;
  readonly #serials: RunSerials;
  readonly #tables: RunTables;
  readonly #onCreated: () => void;

  /** @param onCreated called when a run is stored */
  constructor(connection: Connection, serials: RunSerials, tables: RunTables, onCreated: () => void) {
    this.#connection = connection;
    this.#serials = serials;
    this.#tables = tables;
    this.#onCreated = onCreated;
  }

  /** Stores a new run, `preparing` and owned by this process. */
  create(run: NewRun): Run {
    const made = this.#connection.write(() => {
      let id = randomId();
      while (this.has(id)) id = randomId();
      const now = Date.now();
      const { name, device, stepsTotal = null, tokensTotal = null, preset = null, requestKey = null } = run;
      const values = {
        id,
        name: plainName(name) || id,
        device,
        stepsTotal,
        tokensTotal,
        preset,
        requestKey,
        config: JSON.stringify(run.config),
      };
      this.#connection.run(
        sql.insertInto('runs').values({
          ...values,
          state: 'preparing',
          createdAt: now,
          updatedAt: now,
          step: 0,
          tokensSeen: 0,
          archived: 0,
        }),
      );
      this.#tables.claims.take(id);
      return this.get(id);
    });
    this.#onCreated();
    return made;
  }

  /**
   * The run that a text means: its id, its name, or the beginning of its id.
   * @throws UserError where none or several fit; the message names those that may be meant
   */
  get(text: string): Run {
    return toRun(this.#find(text));
  }

  /** The run that a request has made, where it has. */
  requested(key: string): Run | undefined {
    const row = this.#connection.first(sql.selectFrom('runs').selectAll().where('requestKey', '=', key));
    return row && toRun(row);
  }

  /** Whether there is a run of exactly this id. */
  has(id: string): boolean {
    return this.#connection.first(sql.selectFrom('runs').select('id').where('id', '=', id)) !== undefined;
  }

  /** The newest first. */
  list({ archived, state }: RunFilter = {}): Run[] {
    let query = sql.selectFrom('runs').selectAll().orderBy('serial', 'desc');
    if (archived !== undefined) query = query.where('archived', '=', archived ? 1 : 0);
    if (state !== undefined) query = query.where('state', 'in', typeof state === 'string' ? [state] : state);
    return this.#connection.all(query).map(toRun);
  }

  update(id: string, { archived, config, tags, name, ...rest }: RunPatch): void {
    const plain = name === undefined ? '' : plainName(name);
    const changes = {
      ...rest,
      // A name of nothing but what is left out is none: the run keeps its own.
      ...(plain === '' ? {} : { name: plain }),
      ...(archived === undefined ? {} : { archived: archived ? 1 : 0 }),
      ...(config === undefined ? {} : { config: JSON.stringify(config) }),
      ...(tags === undefined ? {} : { tags: JSON.stringify(tags.map(plainName)) }),
      updatedAt: Date.now(),
    };
    this.#connection.run(sql.updateTable('runs').set(changes).where('serial', '=', this.#serials.changing(id)));
  }

  /**
   * Sets the state, and with it when the run started or ended; the message of the state before goes.
   * @param early of a run that is complete: whether its user has stopped it before its phases had ended
   */
  setState(id: string, state: RunState, message: string | null = null, early = false): void {
    this.#setState(this.#serials.changing(id), state, message, early);
  }

  /**
   * Stores a run's config with other phases, and an event that says so: both, or nothing. That a phase was entered of which
   * no step is trained is forgotten: another one may have its place now.
   */
  changePhases(id: string, step: number, patch: RunPatch, message: string, data: unknown): void {
    this.#connection.write(() => {
      this.update(id, patch);
      this.#tables.phases.truncateAfter(id, step - 1);
      this.#tables.events.add(id, step, 'info', 'phases', message, data);
    });
  }

  /** Deletes metrics, evaluations, samples and phases after a step (-1: all of them); events and checkpoints stay. */
  truncateAfter(id: string, step: number): void {
    const { evals, itemScores, samples, phases, metrics } = this.#tables;
    this.#connection.write(() => {
      for (const table of [evals, itemScores, samples, phases, metrics]) table.truncateAfter(id, step);
    });
  }

  /**
   * Deletes all that is stored of a run; its files are not touched.
   * @param claimed this process has claimed it for that
   * @throws UserError while a process owns it
   */
  delete(id: string, claimed = false): void {
    const { claims } = this.#tables;
    this.#connection.write(() => {
      claims.requireUnowned(id);
      if (!claimed && claims.isOwn(id)) throw new UserError(`The run ${id} belongs to this process: stop it first.`);
      this.#connection.run(sql.deleteFrom('runs').where('serial', '=', this.#serials.of(id)));
      // A run whose record is left in its folder would be taken for one that the database has lost.
      removeRunFile(this.#connection.home, id);
    });
    claims.forget(id);
    this.#serials.forget(id);
  }

  /**
   * Deletes a run bit by bit, so that nobody waits for the rows of millions of steps.
   * @throws UserError as `delete` does
   */
  async deleteInTurns(id: string, claimed = false): Promise<void> {
    this.#tables.claims.requireUnowned(id);
    while (this.#tables.metrics.dropSome(id, rowsPerTurn)) await setImmediate();
    this.delete(id, claimed);
  }

  /**
   * Marks runs that look active but whose process is gone: killed, crashed, or lost with the power.
   * A paused run that no process holds is at rest and stays paused.
   * @returns the runs marked
   */
  markInterrupted(): Run[] {
    const rows = sql.selectFrom('runs').selectAll();
    const suspects = rows.where('state', 'in', activeStates);
    const isLost = (row: RunRow) => !this.#tables.claims.lives(row) && (row.state !== 'paused' || row.pid !== null);
    if (!this.#connection.all(suspects).some(isLost)) return [];
    const serials = this.#connection.write(() => {
      // Again, under the lock: another process may have claimed or marked it in between.
      const lost = this.#connection.all(suspects).filter(isLost);
      lost.forEach((row) => this.#interrupt(row));
      return lost.map((row) => row.serial);
    });
    if (serials.length === 0) return [];
    serials.forEach(this.#serials.changed);
    return this.#connection.all(rows.where('serial', 'in', serials)).map(toRun);
  }

  /** What resuming an interrupted run does, for people. */
  whereResumed(id: string): string {
    const last = this.#tables.checkpoints.list(id).at(-1);
    return last
      ? `resume continues from the checkpoint at step ${formatCount(last.step)}`
      : 'no checkpoint was saved, so resume starts at step 0';
  }

  #interrupt(row: RunRow): void {
    const who = row.pid === null ? 'no process is training it' : `process ${row.pid} is not running any more`;
    const message = `${who}; ${this.whereResumed(row.id)}`;
    this.#setState(row.serial, 'interrupted', message);
    // It ended when it was last seen, not now.
    const endedAt = Math.max(row.heartbeat ?? 0, row.updatedAt);
    this.#connection.run(
      sql
        .updateTable('runs')
        .set({ ...nobody, endedAt })
        .where('serial', '=', row.serial),
    );
    // Its engine has brought it to rest, and left what is to be said of that.
    if (hasUnheard(runDir(this.#connection.home, row.id))) return;
    const event = { time: Date.now(), step: row.step, level: 'warning', kind: 'interrupted', message } as const;
    this.#connection.run(sql.insertInto('events').values({ run: row.serial, ...event }));
  }

  #setState(serial: number, state: RunState, message: string | null, early = false): void {
    this.#connection.write(() => {
      const now = Date.now();
      const isDone = state === 'completed' || state === 'paused';
      const changes = {
        ...{ state, message, stoppedEarly: early ? 1 : 0, updatedAt: now },
        ...(isDone ? { stopAt: null } : {}),
      };
      const query = sql.updateTable('runs').set(changes).where('serial', '=', serial);
      if (restingStates.includes(state)) this.#connection.run(query.set({ endedAt: now }));
      else this.#connection.run(query.set({ endedAt: null }));
      if (state !== 'training') return;
      const unstarted = sql.updateTable('runs').set({ startedAt: now }).where('serial', '=', serial);
      this.#connection.run(unstarted.where('startedAt', 'is', null));
    });
  }

  #find(text: string): RunRow {
    const runs = sql.selectFrom('runs').selectAll();
    const exact = this.#connection.first(runs.where('id', '=', text));
    if (exact) return exact;
    const named = this.#connection.all(runs.where('name', 'in', [text, plainName(text)]).orderBy('serial', 'desc'));
    if (named.length === 1) return named[0]!;
    if (named.length > 1)
      throw new UserError(`${plural(named.length, 'run')} are named ${text}: choose one by ID: ${listing(named)}.`);
    const matching =
      text === ''
        ? []
        : this.#connection
            .all(runs.where('id', '>=', text).orderBy('id').limit(20))
            .filter((run) => run.id.startsWith(text));
    if (matching.length === 1) return matching[0]!;
    if (matching.length > 1) throw new UserError(`Several run IDs start with ${text}: ${listing(matching)}.`);
    const all = this.#connection.all(sql.selectFrom('runs').select(['id', 'name']).orderBy('serial', 'desc'));
    if (all.length === 0) throw new UserError(`There is no run ${text}: there are no runs yet.`);
    const near = nearest(text, [...new Set(all.flatMap((r) => [r.id, r.name]))], 3);
    const hint =
      near.length > 0 ? `did you mean ${near.join(', ')}?` : `the latest is ${all[0]!.id} (${all[0]!.name}).`;
    throw new UserError(`There is no run ${JSON.stringify(text)}: ${hint}`);
  }
}
