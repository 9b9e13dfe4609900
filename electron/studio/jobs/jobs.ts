import { isDeepStrictEqual } from 'node:util';
import { messageOf, UserError } from '../../base/errors.ts';
import { thisProcess } from '../../base/owner.ts';
import { defectMessage, logDefect } from '../../base/log.ts';
import type { JobProgress, JobRecord, JobTable } from '../store/index.ts';
import type { RunEnd } from '../run/machine.ts';
import { markInterrupted } from '../run/unheard.ts';
import { readSettings } from '../settings.ts';
import type { Studio } from '../studio.ts';
import { isWithin } from './hours.ts';
import {
  type Described,
  JobEnded,
  type JobKind,
  type JobTools,
  restedError,
  Superseded,
  type WorkTools,
} from './kind.ts';
import { type JobInputOf, type JobKindName, jobKindOf, jobKinds } from './kinds.ts';
import { nextJobs } from './queue.ts';
import { busySlots } from './slots.ts';

/** How often progress is stored, and requests of other processes are looked for, milliseconds. */
const storeMs = 500;
/** A job that ends with its process this often is given up. */
const maxAttempts = 3;

/** Whether this process does a job. */
const isOwn = ({ state, pid, host }: JobRecord): boolean =>
  state === 'running' && pid === process.pid && host === thisProcess().host;

/** Why a job is ended that is to begin again. */
class Later extends Error {}

/** Work that this process does without being asked for it by the queue: that of a command of the terminal. */
export interface Recorded {
  /** One of `jobKinds`, or what is done in the terminal alone. */
  readonly kind: string;
  readonly input: unknown;
  /** How it is called, where its kind doesn't say. */
  readonly described?: Described;
  /** It leaves nothing behind: it is no job any more when it is done, or another one has taken its place. */
  readonly passes?: boolean;
}

interface Working {
  readonly controller: AbortController;
  readonly scheduled: boolean;
  /** It resumes by itself in the next studio: not a run that somebody has started, who may want to do so again. */
  readonly resumes: boolean;
  progress?: JobProgress;
  output: string;
  stored?: { progress: JobProgress | undefined; output: string };
  readonly ended: Promise<unknown>;
}

/**
 * Work that takes longer than a moment, as records that every process on the home sees. A process that serves windows works
 * through the queue; what a command of the terminal does is recorded there.
 */
export class Jobs {
  readonly #studio: Studio;
  readonly #working = new Map<number, Working>();
  #timer: NodeJS.Timeout | undefined;
  #works = false;

  constructor(studio: Studio) {
    this.#studio = studio;
  }

  get #table(): JobTable {
    return this.#studio.store.jobs;
  }

  /** From now on this process does what is queued, until it is shut down. */
  work(): void {
    if (this.#works) return;
    this.#works = true;
    this.#look();
    this.#tick();
  }

  /**
   * Puts a job into the queue; a process that works through it begins it when its turn comes.
   * @param scheduled whether it waits for the queue's hours
   * @throws UserError when it can't be done
   */
  submit<K extends JobKindName>(kind: K, input: JobInputOf<K>, scheduled = false): JobRecord {
    const added = this.add(kind, input, scheduled);
    this.begin();
    return this.get(added.id);
  }

  /** Begins what has been added, where this process works through the queue and it is its turn. */
  begin(): void {
    this.#begin();
    this.#studio.ticker.poke();
  }

  /** Records a run that trains in this process, until it rests. */
  recordTraining(id: string, ended: Promise<RunEnd>, pause: () => void): void {
    // A process that was killed has lost its job, not given it up.
    this.#settle();
    const open = this.#ofRun(id);
    // The job that has it train is there already.
    if (open.some((job) => this.#working.has(job.id))) return;
    const made = open.find(isOwn);
    for (const job of open) if (job !== made) this.#table.end(job.id, 'cancelled', 'the run was started otherwise');
    const job = made?.id ?? this.addTraining(id);
    const controller = new AbortController();
    controller.signal.addEventListener('abort', pause, { once: true });
    const outcome = ended.then((end) => {
      if (end.state !== 'completed') throw restedError(end);
      return { message: end.message };
    });
    void this.#follow(job, controller, false, outcome).catch(() => {});
  }

  /**
   * Stores the job of a run that this process is about to train: in the transaction that makes the run, so that neither is
   * left without the other where the process dies.
   */
  addTraining(id: string): number {
    const { id: job } = this.add('train', { id }, false);
    this.#table.take(job, this.#works, () => true);
    return job;
  }

  /** Forgets the job of a run that could not be started here. */
  forgetTraining(id: string): void {
    for (const job of this.#ofRun(id).filter(isOwn)) {
      this.#table.end(job.id, 'cancelled', null);
      this.#table.forget(job.id);
    }
  }

  /** The training jobs of a run that are not over. */
  #ofRun = (id: string): JobRecord[] =>
    this.#table.list({ state: ['queued', 'running'] }).filter((job) => job.kind === 'train' && job.run === id);

  /**
   * Does work here and at once, as a job that every process sees and can cancel; it ends with this process. Where nothing can
   * be stored the work is done all the same.
   * @param controller ends it; aborted when somebody asks for that elsewhere
   * @throws what `work` throws
   */
  async record<T>(
    { kind, input, described, passes = false }: Recorded,
    controller: AbortController,
    work: (tools: WorkTools) => Promise<T>,
  ): Promise<T> {
    const { signal } = controller;
    const id = this.#attempt(() => {
      const { title, run = null, slot = null } = described ?? jobKindOf(kind)!.describe(this.#studio, input);
      const job = this.#table.add({ kind, title, input, run, slot });
      this.#table.take(job.id, false, () => true);
      return job.id;
    });
    if (id === undefined) return work({ signal, progress() {}, write() {}, log() {} });
    // One that is killed before it has ended was cancelled, not lost.
    const cancel = (): void => void this.#attempt(() => this.#table.cancel(id));
    signal.addEventListener('abort', cancel, { once: true });
    const tools = this.#toolsOf(id, signal);
    const log = (line: string): void => void this.#attempt(() => tools.log(line));
    const outcome = Promise.resolve().then(() => work({ ...tools, log }));
    await this.#follow(id, controller, false, outcome).catch(() => {});
    signal.removeEventListener('abort', cancel);
    const isDone = (): boolean => this.#table.get(id).state === 'done' || signal.reason instanceof Superseded;
    if (passes) this.#attempt(() => isDone() && this.#table.forget(id));
    return outcome;
  }

  /** @returns undefined where the home can't be written */
  #attempt<T>(store: () => T): T | undefined {
    try {
      return store();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return undefined;
    }
  }

  /** A job as it is now: one of this process by the moment. @throws UserError when there is no such job */
  get(id: number): JobRecord {
    return this.#live(this.#table.get(id));
  }

  /** Those that run and wait, in order, then those that ended, the latest first. */
  list(): JobRecord[] {
    try {
      this.#settle();
    } catch (error) {
      // A home that can't be written is shown as it was left.
      if (!(error instanceof UserError)) throw error;
    }
    return this.#table.list().map((job) => this.#live(job));
  }

  /**
   * Asks something else of a job that is not done.
   * @param changed what it is asked by then
   * @returns whether that was in time: not when it has ended
   * @throws UserError when it is of another kind
   */
  amend<K extends JobKindName>(id: number, kind: K, changed: (input: JobInputOf<K>) => JobInputOf<K>): boolean {
    const isInTime = this.#table.amend(id, (job) => {
      if (job.kind !== kind) throw new UserError(`The job ${id} (${job.title}) is another kind of work.`);
      const input = changed(job.input as JobInputOf<K>);
      const { title } = (jobKinds[kind] as unknown as JobKind<unknown, unknown>).describe(this.#studio, input);
      return { input, title };
    });
    this.#studio.ticker.poke();
    return isInTime;
  }

  /** Queues what a job that ended was asked for once more. @throws UserError when it can't be done, or is under way */
  retry(id: number): JobRecord {
    const { kind, input, endedAt, state } = this.#table.get(id);
    if (endedAt === null || state === 'done' || !Object.hasOwn(jobKinds, kind))
      throw new UserError(`The job ${id} is ${state}: only a failed or cancelled job can be retried.`);
    return this.submit(kind as JobKindName, input as JobInputOf<JobKindName>);
  }

  /** Ends a job, here or in another process; what is done of it is kept where it can go on. @throws UserError when there is none */
  cancel(id: number): void {
    const before = this.#table.get(id);
    this.#table.cancel(id);
    if (before.state === 'queued') jobKindOf(before.kind)?.dropped?.(this.#studio, before.input);
    this.#working.get(id)?.controller.abort(new JobEnded('cancelled'));
    this.#studio.ticker.poke();
  }

  /** Takes what is queued about a run out of the queue. @returns whether there was any */
  dropRun(run: string): boolean {
    const queued = this.#table.list({ state: 'queued' }).filter((job) => job.run === run);
    for (const job of queued) this.cancel(job.id);
    return queued.length > 0;
  }

  /** Takes a queued run out of the queue; one whose turn has just come is paused as soon as it trains. */
  pauseRun(run: string): void {
    if (this.dropRun(run)) return;
    for (const { id } of this.#ofRun(run)) {
      const working = this.#working.get(id);
      if (working) working.controller.abort(new JobEnded('paused before it started', 'paused'));
      else this.#table.cancel(id);
    }
  }

  /** Puts a queued job before another one; null: behind all. @throws UserError when either is not queued */
  move(id: number, before: number | null): void {
    this.#table.move(id, before);
    this.#begin();
  }

  /** Ends what this process does: what can go on later is queued again, a run is paused and saved. */
  async shutdown(): Promise<void> {
    this.#works = false;
    clearInterval(this.#timer);
    const working = [...this.#working.values()];
    for (const { controller, resumes } of working)
      controller.abort(
        resumes
          ? new Later('the studio was closed; it resumes when the studio is open again')
          : new JobEnded('the studio was closed', 'paused'),
      );
    await Promise.all(working.map(({ ended }) => ended.catch(() => {})));
  }

  /**
   * Stores a job that is queued, where that is part of a transaction: `begin` behind it.
   * @throws UserError when it can't be done
   */
  add<K extends JobKindName>(kind: K, input: JobInputOf<K>, scheduled: boolean): JobRecord {
    const {
      title,
      run = null,
      slot = null,
    } = (jobKinds[kind] as unknown as JobKind<unknown, unknown>).describe(this.#studio, input);
    return this.#table.add({ kind, title, input, run, slot, scheduled });
  }

  #live(job: JobRecord): JobRecord {
    const working = this.#working.get(job.id);
    if (!working) return job;
    return { ...job, progress: this.#progressOf(job, working) ?? job.progress, output: working.output || job.output };
  }

  #progressOf({ kind, input }: JobRecord, working: Working): JobProgress | undefined {
    return working.progress ?? jobKindOf(kind)?.progress?.(this.#studio, input);
  }

  #tick(): void {
    this.#timer ??= setInterval(() => this.#look(), storeMs).unref();
  }

  #look(): void {
    if (!this.#studio.store.isOpen) return;
    try {
      for (const [id, working] of this.#working) this.#keep(id, working);
      if (!this.#works) return;
      this.#settle();
      if (!this.#isOpen())
        for (const { controller, scheduled } of this.#working.values())
          if (scheduled) controller.abort(new Later('it waits for the hours of the queue'));
      this.#begin();
    } catch (error) {
      // The next look tries again; what can't be stored for good is told by what needs it.
      if (!(error instanceof UserError)) throw error;
    }
  }

  #keep(id: number, working: Working): void {
    const { output, stored } = working;
    const progress = this.#progressOf(this.#table.get(id), working);
    const isNew = !isDeepStrictEqual(progress, stored?.progress) || output !== (stored?.output ?? '');
    const news = { ...(progress ? { progress } : {}), ...(output === '' ? {} : { output }) };
    if (!this.#table.report(id, isNew ? news : {})) working.controller.abort(new JobEnded('cancelled'));
    working.stored = { progress, output };
  }

  /** Looks for runs and jobs whose process is gone. */
  #settle(): void {
    markInterrupted(this.#studio.store);
    for (const job of this.#table.lost()) {
      const again = job.restarts && job.attempts < maxAttempts && !job.cancelAsked;
      if (again) {
        this.#table.requeue(job.id, `process ${job.pid} crashed or was killed; queued again`);
        jobKindOf(job.kind)?.requeued?.(this.#studio, job.input);
      } else {
        const message = `process ${job.pid} crashed or was killed`;
        this.#table.end(job.id, job.cancelAsked ? 'cancelled' : 'failed', message);
        jobKindOf(job.kind)?.dropped?.(this.#studio, job.input, job.cancelAsked ? undefined : message);
      }
    }
  }

  /** Whether the queue's own jobs may work now. */
  #isOpen(): boolean {
    const { paused, hours } = readSettings(this.#studio.home).queue;
    return !paused && isWithin(hours, new Date());
  }

  #begin(): void {
    if (!this.#works) return;
    const queued = this.#table.list({ state: 'queued' });
    if (queued.length === 0) return;
    const open = this.#isOpen();
    const next = (all: readonly JobRecord[], running: readonly JobRecord[]): JobRecord[] => {
      const busy = busySlots(this.#studio.store);
      return nextJobs(all, running, (slot) => busy.has(slot), open);
    };
    for (const job of next(queued, this.#table.list({ state: 'running' }))) {
      const kind = jobKindOf(job.kind);
      if (!kind) continue;
      const isFree = (running: readonly JobRecord[]): boolean => next([job], running).length > 0;
      if (this.#table.take(job.id, kind.restarts, isFree))
        void this.#start(this.#table.get(job.id), kind).catch(() => {});
    }
  }

  #start(job: JobRecord, kind: JobKind<unknown, unknown>): Promise<unknown> {
    const controller = new AbortController();
    const tools: JobTools = {
      ...this.#toolsOf(job.id, controller.signal),
      input: () => this.#table.get(job.id).input,
      run: () => this.#table.get(job.id).run,
      nameRun: (run) => this.#table.nameRun(job.id, run),
    };
    // Not before it is in the list: what it says at once is heard.
    const work = Promise.resolve().then(() => kind.run(this.#studio, job.input, tools));
    return this.#follow(job.id, controller, job.scheduled, work);
  }

  #toolsOf(id: number, signal: AbortSignal): WorkTools {
    const change = (changed: (working: Working) => void): void => {
      const working = this.#working.get(id);
      if (working) changed(working);
      this.#studio.ticker.poke();
    };
    return {
      signal,
      progress: (progress) => change((working) => (working.progress = progress)),
      write: (text) => change((working) => (working.output += text)),
      log: (line) => this.#table.addLog(id, line),
    };
  }

  #follow(id: number, controller: AbortController, scheduled: boolean, work: Promise<unknown>): Promise<unknown> {
    const ended = work.then(
      (result) => this.#end(id, () => this.#table.end(id, 'done', null, result), result),
      (error: unknown) => this.#failed(id, controller.signal, error),
    );
    const resumes = scheduled || this.#table.get(id).kind !== 'train';
    this.#working.set(id, { controller, scheduled, resumes, output: '', ended });
    this.#tick();
    return ended;
  }

  #end<T>(id: number, record: () => void, result: T): T {
    const working = this.#working.get(id);
    try {
      if (working && this.#studio.store.isOpen) {
        this.#keep(id, working);
        record();
      }
    } finally {
      this.#working.delete(id);
      if (!this.#works && this.#working.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
      this.#studio.ticker.poke();
    }
    this.#begin();
    return result;
  }

  #failed(id: number, signal: AbortSignal, error: unknown): never {
    const reason: unknown = signal.aborted ? signal.reason : error;
    const restarts = jobKindOf(this.#table.get(id).kind)?.restarts ?? false;
    const record = (): void => {
      if (reason instanceof Later && restarts) this.#table.requeue(id, reason.message);
      else if (reason instanceof JobEnded) this.#table.end(id, reason.state, reason.message);
      else if (reason instanceof Later) this.#table.end(id, 'cancelled', reason.message);
      else this.#table.end(id, 'failed', this.#explained(id, reason));
    };
    this.#end(id, record, undefined);
    throw reason;
  }

  /** What people are told of a failure; a defect is put into the log. */
  #explained(id: number, error: unknown): string {
    if (error instanceof UserError) return messageOf(error);
    return defectMessage(error, logDefect(this.#studio.home, `job ${id}`, error));
  }
}
