import { Worker } from 'node:worker_threads';
import type { Admission } from '../../engine/run/admission.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import type { DeviceMemory } from '../../engine/devices/kind.ts';
import { finish } from '../../engine/fit/steps.ts';
import { UsageError, UserError } from '../../base/errors.ts';
import { entryFile } from '../../base/paths.ts';
import { JobEnded, Superseded } from '../jobs/kind.ts';
import { type JobInput, type JobKind, type JobResult, reliefMark, stepsOf } from './jobs.ts';

export type ToPlanner =
  { readonly id: number; readonly kind: JobKind; readonly input: JobInput<JobKind> } | { readonly drop: number };

export type FromPlanner = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly dropped: true }
  | { readonly error: { readonly name: string; readonly message: string; readonly stack: string | undefined } }
);

interface Waiting {
  readonly kind: JobKind;
  readonly input: JobInput<JobKind>;
  readonly settle: (result: { value: unknown } | { error: unknown }) => void;
  /** Threads that ended with it. */
  lost: number;
}

/** A question whose answer takes long; `controller` ends the work on it. */
export interface LongPlan {
  readonly kind: JobKind;
  readonly input: JobInput<JobKind>;
  readonly controller: AbortController;
  readonly answer: Promise<unknown>;
}
export type RecordPlan = (plan: LongPlan) => void;

/** Whoever waits longer wants to know for what. */
export const longMs = 1000;

/** How long a job that isn't wanted any more may go on with one plan. */
const dropMs = 1000;

/**
 * Plans for whoever asks. Where windows are served it does so in a thread of its own, since a plan takes as long as some
 * hundred requests; a command of the terminal, which waits anyway, plans where it is.
 */
export class Planner {
  #apart = false;
  #thread: Worker | undefined;
  #record: RecordPlan | undefined;
  #longMs = longMs;
  #next = 1;
  readonly #waiting = new Map<number, Waiting>();
  /** Those that the thread was told to drop, and has not yet. */
  readonly #dropping = new Map<number, NodeJS.Timeout>();

  /** From now on plans are made in a thread. */
  moveApart(): void {
    this.#apart = true;
  }

  /**
   * Has what takes long recorded, while it is worked on.
   * @param afterMs how long an answer may take until it is
   */
  recordLong(record: RecordPlan, afterMs: number = longMs): void {
    this.#record = record;
    this.#longMs = afterMs;
  }

  /**
   * @param signal the answer isn't wanted any more
   * @throws UserError as the job does, and where it was cancelled among the jobs; the signal's reason
   */
  async ask<K extends JobKind>(kind: K, input: JobInput<K>, signal?: AbortSignal): Promise<JobResult<K>> {
    signal?.throwIfAborted();
    if (!this.#apart) return finish(stepsOf(kind, input));
    const controller = new AbortController();
    const supersede = () => controller.abort(new Superseded('superseded: another question was asked'));
    signal?.addEventListener('abort', supersede, { once: true });
    const answer = this.#answer(kind, input, controller.signal);
    // The quick answer to a keystroke is no job.
    const late = setTimeout(() => this.#record?.({ kind, input, controller, answer }), this.#longMs).unref();
    try {
      return await answer;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof JobEnded) throw new UserError('The plan was cancelled among the jobs: ask again for it.');
      throw error;
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', supersede);
    }
  }

  #answer<K extends JobKind>(kind: K, input: JobInput<K>, signal: AbortSignal): Promise<JobResult<K>> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(id);
        this.#drop(id);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.set(id, {
        kind,
        input,
        lost: 0,
        settle: (result) => {
          signal.removeEventListener('abort', leave);
          this.#waiting.delete(id);
          if (this.#waiting.size === 0) this.#thread?.unref();
          if ('error' in result) reject(result.error as Error);
          else resolve(result.value as JobResult<K>);
        },
      });
      const thread = this.#running();
      thread.ref();
      thread.postMessage({ id, kind, input } satisfies ToPlanner);
    });
  }

  /** @throws UserError when a device with this memory can't train what is left of a run */
  async admit(config: RunConfig, step: number, { bytes, hostBytes, shared }: DeviceMemory): Promise<Admission> {
    const memory = {
      bytes,
      ...(hostBytes === undefined ? {} : { hostBytes }),
      ...(shared ? { sharedBytes: shared.bytes } : {}),
    };
    const answer = await this.ask('admit', { config, step, memory });
    if ('admission' in answer) return answer.admission;
    const { refused, reliefBytes } = answer;
    throw new UserError(refused.replace(reliefMark, () => shared?.relief(reliefBytes) ?? ''));
  }

  /** Ends the thread; who waits for a plan hears that it was left. */
  close(): void {
    this.#end();
    for (const { settle } of [...this.#waiting.values()])
      settle({ error: new DOMException('The studio was closed', 'AbortError') });
  }

  #running(): Worker {
    if (this.#thread) return this.#thread;
    const thread = new Worker(entryFile('studio/planning/plan.worker.ts', 'planWorker.js'), { name: 'planner' });
    thread.on('message', (message: FromPlanner) => this.#take(message));
    // One that breaks, as by running out of memory, is followed by another.
    thread.on('error', (error) => console.error('trainyard: planning failed', error));
    thread.on('exit', () => {
      if (this.#thread === thread) this.#again(1);
    });
    return (this.#thread = thread);
  }

  #take(message: FromPlanner): void {
    clearTimeout(this.#dropping.get(message.id));
    this.#dropping.delete(message.id);
    const waiting = this.#waiting.get(message.id);
    if (!waiting || 'dropped' in message) return;
    if ('value' in message) return waiting.settle({ value: message.value });
    const { name, message: text, stack } = message.error;
    if (name === 'UsageError') return waiting.settle({ error: new UsageError(text) });
    if (name === 'UserError') return waiting.settle({ error: new UserError(text) });
    waiting.settle({ error: Object.assign(new Error(text), { name, ...(stack ? { stack } : {}) }) });
  }

  #drop(id: number): void {
    this.#thread?.postMessage({ drop: id } satisfies ToPlanner);
    // A single plan of a huge model can't be interrupted but by ending its thread.
    const timer = setTimeout(() => this.#again(0), dropMs);
    this.#dropping.set(id, timer.unref());
  }

  #end(): void {
    const thread = this.#thread;
    this.#thread = undefined;
    for (const timer of this.#dropping.values()) clearTimeout(timer);
    this.#dropping.clear();
    void thread?.terminate();
  }

  /** Goes on in another thread with what is still wanted; a job that two threads ended with is given up. */
  #again(lost: 0 | 1): void {
    this.#end();
    for (const [id, waiting] of [...this.#waiting]) {
      waiting.lost += lost;
      if (waiting.lost > 1) waiting.settle({ error: new Error('the planner ended unexpectedly, twice') });
      else this.#running().postMessage({ id, kind: waiting.kind, input: waiting.input } satisfies ToPlanner);
    }
  }
}
