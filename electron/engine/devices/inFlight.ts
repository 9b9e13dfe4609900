import type { Session } from './device.ts';

/** Programs that have been started and not waited for: as many as keep a device busy while the next one's data are made ready. */
export class InFlight {
  readonly #max: number;
  readonly #runs: Promise<void>[] = [];

  constructor({ queues }: Session) {
    this.#max = queues ? 2 : 1;
  }

  /** Settles when another program, and what it reads, may be put behind those that run. @throws what one of them failed of, when all have ended */
  async room(): Promise<void> {
    while (this.#runs.length >= this.#max) {
      try {
        await this.#runs.shift();
      } catch (error) {
        // Whoever hears of it may close the session: nothing may run on it.
        await this.ended().catch(() => {});
        throw error;
      }
    }
  }

  add(run: Promise<void>): void {
    // It is waited for later; until then a failure is not nobody's.
    run.catch(() => {});
    this.#runs.push(run);
  }

  /** Settles when all but the newest have ended. @throws what the first of them failed of */
  async ended(newest = 0): Promise<void> {
    const results = await Promise.allSettled(this.#runs.splice(0, this.#runs.length - newest));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}
