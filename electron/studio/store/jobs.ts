import type { Selectable } from 'kysely';
import { UserError } from '../../base/errors.ts';
import { isAlive, type Owner, thisProcess } from '../../base/owner.ts';
import { type Connection, sql } from './connection.ts';
import { parseStored } from './errors.ts';
import { endedStates, type JobState, type Tables } from './schema.ts';

/** How far a job is: `done` of `total` units, and what else its kind tells. */
export interface JobProgress {
  readonly done: number;
  readonly total: number;
  readonly unit: 'bytes' | 'items' | 'sequences' | 'tokens' | 'tensors' | 'files' | 'steps';
  readonly detail?: Readonly<Record<string, number>>;
}

/** Work that takes longer than a moment: what was asked for, how far it is, and what came of it. */
export interface JobRecord {
  readonly id: number;
  readonly kind: string;
  /** For people: `Tokenize stories.txt`. */
  readonly title: string;
  readonly input: unknown;
  /** The run that it is about, if any. */
  readonly run: string | null;
  /** What only so many jobs use at a time; null: it waits for nothing. */
  readonly slot: string | null;
  readonly state: JobState;
  /** Its place among those that are queued: lower ones first. */
  readonly position: number;
  /** It works in the hours of the queue alone. */
  readonly scheduled: boolean;
  /** Times are milliseconds since 1970. */
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly progress: JobProgress | null;
  /** Text that it writes. */
  readonly output: string | null;
  readonly result: unknown;
  /** Why it ended as it did, or waits again. */
  readonly message: string | null;
  /** How often it was begun. */
  readonly attempts: number;
  /** It is begun again where the process that does it is gone. */
  readonly restarts: boolean;
  readonly cancelAsked: boolean;
  /** The process that does it, if any. */
  readonly pid: number | null;
  readonly host: string | null;
}

export type NewJob = Pick<JobRecord, 'kind' | 'title' | 'input' | 'run' | 'slot'> & {
  readonly scheduled?: boolean;
};

export interface JobLogLine {
  readonly time: number;
  readonly message: string;
}

type JobRow = Selectable<Tables['jobs']>;

const parsed = (row: JobRow, text: string | null): unknown =>
  text === null ? null : parseStored(text, `the job ${row.id}`);

function toJob(row: JobRow): JobRecord {
  const { bootId: _boot, processStart: _start, pidNamespace: _namespace, heartbeat: _heartbeat, ...rest } = row;
  return {
    ...rest,
    input: parsed(row, row.input),
    progress: parsed(row, row.progress) as JobProgress | null,
    result: parsed(row, row.result),
    scheduled: row.scheduled === 1,
    restarts: row.restarts === 1,
    cancelAsked: row.cancelAsked === 1,
  };
}

const ownerOf = ({ pid, host, bootId, processStart, pidNamespace }: JobRow): Owner | null =>
  pid === null || host === null ? null : { pid, host, bootId, processStart, pidNamespace };

const nobody = { pid: null, host: null, bootId: null, processStart: null, pidNamespace: null, heartbeat: null };

const rows = sql.selectFrom('jobs').selectAll();

const empty = { startedAt: null, endedAt: null, progress: null, output: null, result: null, message: null };

export interface JobFilter {
  readonly state?: JobState | readonly JobState[];
}

export interface JobNews {
  readonly progress?: JobProgress;
  readonly output?: string;
}

/** The table of jobs, which every process on a home reads and writes. */
export class JobTable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Puts a job behind all that are queued. */
  add({ input, scheduled = false, ...job }: NewJob): JobRecord {
    return this.#connection.write(() => {
      const last = this.#connection.first(sql.selectFrom('jobs').select((e) => e.fn.max('position').as('position')));
      const values = {
        ...job,
        input: JSON.stringify(input),
        state: 'queued',
        position: (last?.position ?? 0) + 1,
        scheduled: scheduled ? 1 : 0,
        createdAt: Date.now(),
      } as const;
      this.#connection.run(sql.insertInto('jobs').values({ ...values, ...empty, ...nobody }));
      const made = this.#connection.first(rows.orderBy('id', 'desc').limit(1));
      return toJob(made!);
    });
  }

  /** @throws UserError when there is no such job */
  get(id: number): JobRecord {
    const row = this.#connection.first(rows.where('id', '=', id));
    if (!row) throw new UserError(`There is no job ${id}: \`trainyard jobs\` lists them.`);
    return toJob(row);
  }

  /** Those that are queued and running in the order of the queue, then those that ended, the latest first. */
  list({ state }: JobFilter = {}): JobRecord[] {
    const wanted = state === undefined ? rows : rows.where('state', 'in', typeof state === 'string' ? [state] : state);
    const all = this.#connection.all(wanted.orderBy('position').orderBy('id')).map(toJob);
    const isOpen = (job: JobRecord): boolean => job.state === 'queued' || job.state === 'running';
    const running = all.filter((job) => job.state === 'running');
    const queued = all.filter((job) => job.state === 'queued');
    return [...running, ...queued, ...all.filter((job) => !isOpen(job)).sort((a, b) => b.id - a.id)];
  }

  /**
   * Takes a queued job for this process.
   * @param restarts whether it is begun again where this process is gone before it has ended
   * @param isFree whether it may begin, with all jobs that run now: looked at under the lock
   * @returns whether it was taken: not when another process was faster
   */
  take(id: number, restarts: boolean, isFree: (running: readonly JobRecord[]) => boolean): boolean {
    return this.#connection.write(() => {
      const row = this.#connection.first(rows.where('id', '=', id).where('state', '=', 'queued'));
      if (!row || !isFree(this.#connection.all(rows.where('state', '=', 'running')).map(toJob))) return false;
      const taken = {
        state: 'running',
        startedAt: Date.now(),
        message: null,
        attempts: row.attempts + 1,
        restarts: restarts ? 1 : 0,
        ...thisProcess(),
        heartbeat: Date.now(),
      } as const;
      this.#connection.run(sql.updateTable('jobs').set(taken).where('id', '=', id));
      return true;
    });
  }

  /** Stores how far a job of this process is. @returns whether it is to go on: not when somebody has asked for its end */
  report(id: number, { progress, output }: JobNews): boolean {
    return this.#connection.write(() => {
      const row = this.#connection.first(rows.where('id', '=', id));
      if (row?.state !== 'running') return false;
      const changes = {
        ...(progress ? { progress: JSON.stringify(progress) } : {}),
        ...(output === undefined ? {} : { output }),
        heartbeat: Date.now(),
      };
      this.#connection.run(sql.updateTable('jobs').set(changes).where('id', '=', id));
      return row.cancelAsked === 0;
    });
  }

  /** Ends a job. What ended stays as it was. */
  end(id: number, state: (typeof endedStates)[number], message: string | null, result?: unknown): void {
    const changes = {
      ...{ state, message, endedAt: Date.now(), ...nobody },
      ...(result === undefined ? {} : { result: JSON.stringify(result) }),
    };
    this.#connection.run(
      sql.updateTable('jobs').set(changes).where('id', '=', id).where('state', 'in', ['queued', 'running']),
    );
  }

  /** Puts a job that runs back into the queue, at its place. */
  requeue(id: number, message: string): void {
    const changes = { state: 'queued', message, cancelAsked: 0, ...nobody } as const;
    this.#connection.run(sql.updateTable('jobs').set(changes).where('id', '=', id).where('state', '=', 'running'));
  }

  /** Changes what is asked of a job. @returns whether that was in time: not when it has ended. @throws as `changed` does */
  amend(id: number, changed: (job: JobRecord) => Pick<JobRecord, 'input' | 'title'>): boolean {
    return this.#connection.write(() => {
      const job = this.get(id);
      if (job.state !== 'queued' && job.state !== 'running') return false;
      const { input, title } = changed(job);
      this.#connection.run(
        sql
          .updateTable('jobs')
          .set({ input: JSON.stringify(input), title })
          .where('id', '=', id),
      );
      return true;
    });
  }

  /** Names the run that a job is about, where that was made by it. */
  nameRun(id: number, run: string): void {
    this.#connection.run(sql.updateTable('jobs').set({ run }).where('id', '=', id));
  }

  /** Asks the process that does a job to end it; one that nobody does is cancelled with that. */
  cancel(id: number): JobRecord {
    return this.#connection.write(() => {
      const job = this.get(id);
      if (job.state === 'queued') this.end(id, 'cancelled', null);
      else if (job.state === 'running')
        this.#connection.run(sql.updateTable('jobs').set({ cancelAsked: 1 }).where('id', '=', id));
      return this.get(id);
    });
  }

  /**
   * Puts a queued job before another one, or behind all. Those that run stay ahead: one that waits again, because its process
   * is gone, is the first.
   * @throws UserError when either is not queued
   */
  move(id: number, before: number | null): void {
    this.#connection.write(() => {
      const ordered = (state: JobState): JobRow[] =>
        this.#connection.all(rows.where('state', '=', state).orderBy('position').orderBy('id'));
      const queued = ordered('queued');
      const moved = queued.find((row) => row.id === id);
      const at = before === null ? undefined : queued.find((row) => row.id === before);
      if (!moved || (before !== null && !at))
        throw new UserError(`The job ${moved ? before : id} is not queued, so its order can't be changed.`);
      if (moved === at) return;
      const others = queued.filter((row) => row !== moved);
      others.splice(at ? others.indexOf(at) : others.length, 0, moved);
      [...ordered('running'), ...others].forEach((row, i) =>
        this.#connection.run(
          sql
            .updateTable('jobs')
            .set({ position: i + 1 })
            .where('id', '=', row.id),
        ),
      );
    });
  }

  /** Jobs that run and whose process is gone. */
  lost(): JobRecord[] {
    return this.#connection
      .all(rows.where('state', '=', 'running'))
      .filter((row) => {
        const owner = ownerOf(row);
        return owner === null || !isAlive(owner, row.heartbeat ?? 0);
      })
      .map(toJob);
  }

  /** Forgets jobs that ended. @param id one of them; all where none is named */
  forget(id?: number): number {
    const ended = sql.deleteFrom('jobs').where('state', 'in', endedStates);
    return this.#connection.run(id === undefined ? ended : ended.where('id', '=', id));
  }

  addLog(job: number, message: string): void {
    this.#connection.run(sql.insertInto('jobLog').values({ job, time: Date.now(), message }));
  }

  log(job: number): JobLogLine[] {
    return this.#connection.all(
      sql.selectFrom('jobLog').select(['time', 'message']).where('job', '=', job).orderBy('id'),
    );
  }
}
