import { plural } from '../../base/format.ts';
import type { Selectable } from 'kysely';
import { UserError } from '../../base/errors.ts';
import { type Connection, sql } from './connection.ts';
import { parseStored } from './errors.ts';
import { nearest, randomId } from './ids.ts';
import { plainName } from './names.ts';
import { fromStored, type RunState, stateOf, type Tables } from './schema.ts';

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

export type RunRow = Selectable<Tables['runs']>;

const recordOf = ({ id }: RunRow): string => `The record of the run ${id} in the database`;

export function toRun(row: RunRow): Run {
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

/** Stores a run in the state `preparing`. @returns its id */
export function createRun(connection: Connection, run: NewRun): string {
  return connection.write(() => {
    let id = randomId();
    while (connection.first(sql.selectFrom('runs').select('id').where('id', '=', id))) id = randomId();
    const now = Date.now();
    const { name, device, stepsTotal = null, tokensTotal = null, preset = null } = run;
    const values = {
      id,
      name: plainName(name) || id,
      device,
      stepsTotal,
      tokensTotal,
      preset,
      config: JSON.stringify(run.config),
    };
    connection.run(
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
    return id;
  });
}

/**
 * The run that a text means: its id, its name, or the beginning of its id.
 * @throws UserError where none or several fit; the message names those that may be meant
 */
export function findRun(connection: Connection, text: string): RunRow {
  const runs = sql.selectFrom('runs').selectAll();
  const exact = connection.first(runs.where('id', '=', text));
  if (exact) return exact;
  const named = connection.all(runs.where('name', 'in', [text, plainName(text)]).orderBy('serial', 'desc'));
  if (named.length === 1) return named[0]!;
  if (named.length > 1)
    throw new UserError(`${plural(named.length, 'run')} are named ${text}: choose one by ID: ${listing(named)}.`);
  const matching =
    text === ''
      ? []
      : connection.all(runs.where('id', '>=', text).orderBy('id').limit(20)).filter((run) => run.id.startsWith(text));
  if (matching.length === 1) return matching[0]!;
  if (matching.length > 1) throw new UserError(`Several run IDs start with ${text}: ${listing(matching)}.`);
  const all = connection.all(sql.selectFrom('runs').select(['id', 'name']).orderBy('serial', 'desc'));
  if (all.length === 0) throw new UserError(`There is no run ${text}: there are no runs yet.`);
  const near = nearest(text, [...new Set(all.flatMap((r) => [r.id, r.name]))], 3);
  const hint = near.length > 0 ? `did you mean ${near.join(', ')}?` : `the latest is ${all[0]!.id} (${all[0]!.name}).`;
  throw new UserError(`There is no run ${JSON.stringify(text)}: ${hint}`);
}

const listing = (runs: readonly RunRow[]): string => {
  const shown = runs.slice(0, 5).map((r) => `${r.id} (${r.name}, ${new Date(r.createdAt).toISOString().slice(0, 16)})`);
  return shown.join(', ') + (runs.length > shown.length ? ' and more' : '');
};

/** Runs, the newest first. */
export function listRuns(connection: Connection, { archived, state }: RunFilter = {}): Run[] {
  let query = sql.selectFrom('runs').selectAll().orderBy('serial', 'desc');
  if (archived !== undefined) query = query.where('archived', '=', archived ? 1 : 0);
  if (state !== undefined) query = query.where('state', 'in', typeof state === 'string' ? [state] : state);
  return connection.all(query).map(toRun);
}

export function updateRun(
  connection: Connection,
  serial: number,
  { archived, config, tags, name, ...rest }: RunPatch,
): void {
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
  connection.run(sql.updateTable('runs').set(changes).where('serial', '=', serial));
}

const restingStates: readonly RunState[] = ['completed', 'failed', 'interrupted'];

/**
 * Sets the state, and with it when the run started or ended; the message of the state before goes.
 * @param early of a run that is complete: whether its user has stopped it before its phases had ended
 */
export function setRunState(
  connection: Connection,
  serial: number,
  state: RunState,
  message: string | null,
  early = false,
): void {
  connection.write(() => {
    const now = Date.now();
    const isDone = state === 'completed' || state === 'paused';
    const changes = {
      state,
      message,
      stoppedEarly: early ? 1 : 0,
      updatedAt: now,
      ...(isDone ? { stopAt: null } : {}),
    };
    const query = sql.updateTable('runs').set(changes).where('serial', '=', serial);
    if (restingStates.includes(state)) connection.run(query.set({ endedAt: now }));
    else connection.run(query.set({ endedAt: null }));
    if (state !== 'training') return;
    const unstarted = sql.updateTable('runs').set({ startedAt: now }).where('serial', '=', serial);
    connection.run(unstarted.where('startedAt', 'is', null));
  });
}
