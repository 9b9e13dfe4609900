import { setTimeout } from 'node:timers/promises';
import type { RunConfig } from '../../engine/run/config.ts';
import type { Request } from '../../engine/run/events.ts';
import type { PhaseChange } from '../../engine/run/phaseChange.ts';
import { messageOf, UserError } from '../../base/errors.ts';
import type { Store } from '../store/index.ts';
import { RestedError } from './handle.ts';
import { markInterrupted } from './unheard.ts';

const everyMs = 500;

/** What a run that trains may be told at any time. */
export type RunOrder = 'pause' | 'stop' | Request;

/** What one process asks of another that trains a run. */
export type RunRequest = { readonly order: RunOrder } | { readonly change: PhaseChange };

/** Passes on what other processes ask of runs that train in this one, and writes the answers back. */
export class RunRequests {
  readonly #store: Store;
  /** What could not be written yet, by request. */
  readonly #answers = new Map<number, string | null>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Looks for requests until the run rests. */
  watch(id: string, work: (request: RunRequest) => Promise<unknown>, rested: Promise<unknown>): void {
    const timer = setInterval(() => this.#look(id, work), everyMs).unref();
    void rested.finally(() => clearInterval(timer));
  }

  #look(id: string, work: (request: RunRequest) => Promise<unknown>): void {
    for (const [request, refusal] of this.#answers) this.#answer(request, refusal);
    for (const request of quietly(() => this.#store.requests.take(id)) ?? []) {
      void work(request.what as RunRequest).then(
        () => this.#answer(request.id, null),
        // Of a run at rest the asker sees that itself.
        (error) => error instanceof RestedError || this.#answer(request.id, messageOf(error)),
      );
    }
  }

  #answer(request: number, refusal: string | null): void {
    this.#answers.set(request, refusal);
    quietly(() => {
      this.#store.requests.answer(request, refusal);
      this.#answers.delete(request);
    });
  }
}

/** The next look tries again; a store that is gone is noticed by the run's own records. */
function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** How long the process that trains a run is waited for, in milliseconds. */
export interface Patience {
  /** Until it takes a request: it looks twice a second. */
  readonly untakenMs: number;
  /** Then until it answers: a step may take minutes. */
  readonly unansweredMs: number;
}

export const defaultPatience: Patience = { untakenMs: 15_000, unansweredMs: 600_000 };

/**
 * Asks the process that trains a run for other phases.
 * @returns whether they were changed: not when the run came to rest before
 * @throws UserError when it refused, or did not answer
 */
export async function askForPhases(
  store: Store,
  id: string,
  change: PhaseChange,
  patience: Patience = defaultPatience,
): Promise<boolean> {
  const phases = () => JSON.stringify((store.runs.get(id).config as RunConfig).phases);
  const before = phases();
  const how = await ask(store, id, { change }, patience);
  if (how === 'rested' && phases() !== before) {
    throw new UserError(
      `The run ended while its phases were being updated: check them with \`trainyard phases ${id}\` before you edit them again.`,
    );
  }
  return how === 'done';
}

/**
 * Tells the process that trains a run what to do.
 * @returns whether it was told, or came to rest before
 * @throws UserError when it does not answer, or came to rest before it could do something else than that
 */
export async function sendOrder(
  store: Store,
  id: string,
  order: RunOrder,
  patience: Patience = defaultPatience,
): Promise<'done' | 'rested'> {
  const how = await ask(store, id, { order }, patience);
  // To rest is what these two are for.
  if (how === 'rested' && order !== 'pause' && order !== 'stop') {
    throw new UserError(`The run ${id} ended first.`);
  }
  return how;
}

/** @returns whether it was done, or the run came to rest before there was an answer */
async function ask(
  store: Store,
  id: string,
  what: RunRequest,
  { untakenMs, unansweredMs }: Patience,
): Promise<'done' | 'rested'> {
  const request = store.requests.add(id, what);
  let since = performance.now();
  let taken = false;
  try {
    for (;;) {
      markInterrupted(store);
      // In this order: an answer is written before the run rests.
      const { state, pid } = store.runs.get(id);
      const status = store.requests.status(request);
      if (status?.state === 'answered') {
        if (status.refusal !== null) throw new UserError(status.refusal);
        return 'done';
      }
      if (status?.state === 'taken' && !taken) [taken, since] = [true, performance.now()];
      if (state !== 'training' && state !== 'preparing') return 'rested';
      if (performance.now() - since >= (taken ? unansweredMs : untakenMs)) {
        throw new UserError(unanswered(id, pid, store.requests.withdraw(request) === 'open'));
      }
      await setTimeout(everyMs / 2);
    }
  } finally {
    store.requests.withdraw(request);
  }
}

const unanswered = (id: string, pid: number | null, withdrawn: boolean): string =>
  withdrawn
    ? `Process ${pid}, which trains the run ${id}, does not answer, and nothing was changed: wait for it, or stop it there.`
    : `The run ${id} is still in its step: the request is queued for after it, unless it is refused then; see \`trainyard show ${id}\`.`;
