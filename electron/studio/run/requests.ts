import { setTimeout } from 'node:timers/promises';
import type { RunConfig } from '../../engine/config.ts';
import type { PhaseChange } from '../../engine/trainer/phaseChange.ts';
import { messageOf, UserError } from '../../errors.ts';
import type { Store } from '../store/index.ts';
import { RestedError } from './handle.ts';

const everyMs = 500;

/** Passes on what other processes ask about the phases of runs that train in this one, and writes the answers back. */
export class PhaseRequests {
  readonly #store: Store;
  /** What could not be written yet, by request. */
  readonly #answers = new Map<number, string | null>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Looks for requests until the run rests. */
  watch(id: string, change: (change: PhaseChange) => Promise<unknown>, rested: Promise<unknown>): void {
    const timer = setInterval(() => this.#look(id, change), everyMs).unref();
    void rested.finally(() => clearInterval(timer));
  }

  #look(id: string, change: (change: PhaseChange) => Promise<unknown>): void {
    for (const [request, refusal] of this.#answers) this.#answer(request, refusal);
    for (const request of quietly(() => this.#store.takePhaseRequests(id)) ?? []) {
      void change(request.change as PhaseChange).then(
        () => this.#answer(request.id, null),
        // Of a run at rest the asker changes the phases itself.
        (error) => error instanceof RestedError || this.#answer(request.id, messageOf(error)),
      );
    }
  }

  #answer(request: number, refusal: string | null): void {
    this.#answers.set(request, refusal);
    quietly(() => {
      this.#store.answerPhaseRequest(request, refusal);
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

export const usualPatience: Patience = { untakenMs: 15_000, unansweredMs: 600_000 };

/**
 * Asks the process that trains a run for other phases.
 * @returns whether they were changed: not when the run came to rest before
 * @throws UserError when it refused, or did not answer
 */
export async function askForPhases(
  store: Store,
  id: string,
  change: PhaseChange,
  { untakenMs, unansweredMs }: Patience = usualPatience,
): Promise<boolean> {
  const phases = () => JSON.stringify((store.getRun(id).config as RunConfig).phases);
  const before = phases();
  const request = store.addPhaseRequest(id, change);
  let since = performance.now();
  let taken = false;
  try {
    for (;;) {
      store.markInterrupted();
      // In this order: an answer is written before the run rests.
      const { state, pid } = store.getRun(id);
      const status = store.phaseRequestStatus(request);
      if (status?.state === 'answered') {
        if (status.refusal !== null) throw new UserError(status.refusal);
        return true;
      }
      if (status?.state === 'taken' && !taken) [taken, since] = [true, performance.now()];
      if (state !== 'training' && state !== 'preparing') {
        if (!taken || phases() === before) return false;
        throw new UserError(
          `The run came to rest while its phases were changed: look at them with \`trainyard phases ${id}\` before you change them again.`,
        );
      }
      if (performance.now() - since >= (taken ? unansweredMs : untakenMs)) {
        throw new UserError(unanswered(id, pid, store.withdrawPhaseRequest(request) === 'open'));
      }
      await setTimeout(everyMs / 2);
    }
  } finally {
    store.withdrawPhaseRequest(request);
  }
}

const unanswered = (id: string, pid: number | null, withdrawn: boolean): string =>
  withdrawn
    ? `Process ${pid}, which trains the run ${id}, does not answer, and nothing is changed: let it go on, or stop it and change the phases then.`
    : `The run ${id} has not ended its step yet: its phases are changed when it has, unless that is refused then; see \`trainyard phases ${id}\`.`;
