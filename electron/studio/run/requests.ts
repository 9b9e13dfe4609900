import { setTimeout } from 'node:timers/promises';
import type { PhaseChange } from '../../engine/trainer/phaseChange.ts';
import { messageOf, UserError } from '../../errors.ts';
import type { Store } from '../store/index.ts';
import { RestedError } from './handle.ts';

const everyMs = 500;

/** Passes on what other processes ask about the phases of runs that train in this one, and writes the answers back. */
export class PhaseRequests {
  readonly #store: Store;
  /** What is being answered. */
  readonly #taken = new Set<number>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Looks for requests until the run rests. */
  watch(id: string, change: (change: PhaseChange) => Promise<unknown>, rested: Promise<unknown>): void {
    const timer = setInterval(() => this.#look(id, change), everyMs).unref();
    void rested.finally(() => clearInterval(timer));
  }

  #look(id: string, change: (change: PhaseChange) => Promise<unknown>): void {
    for (const request of quietly(() => this.#store.openPhaseRequests(id)) ?? []) {
      if (this.#taken.has(request.id)) continue;
      this.#taken.add(request.id);
      void change(request.change as PhaseChange).then(
        () => this.#answer(request.id, null),
        // Of a run at rest the asker changes the phases itself.
        (error) => error instanceof RestedError || this.#answer(request.id, messageOf(error)),
      );
    }
  }

  #answer(id: number, refusal: string | null): void {
    quietly(() => this.#store.answerPhaseRequest(id, refusal));
    this.#taken.delete(id); // a request that comes later may have the number of one that is gone
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

/**
 * Asks the process that trains a run for other phases.
 * @returns whether they were changed: not when the run came to rest before
 * @throws UserError when it refused
 */
export async function askForPhases(store: Store, id: string, change: PhaseChange): Promise<boolean> {
  const request = store.addPhaseRequest(id, change);
  try {
    for (;;) {
      const answer = store.takePhaseAnswer(request);
      if (answer?.refusal === null) return true;
      if (answer) throw new UserError(answer.refusal);
      store.markInterrupted();
      const { state } = store.getRun(id);
      if (state !== 'training' && state !== 'preparing') return false;
      await setTimeout(everyMs / 2);
    }
  } finally {
    store.withdrawPhaseRequest(request);
  }
}
