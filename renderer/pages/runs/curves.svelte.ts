import type { Points, RunView } from '../../../electron/api/types.ts';
import { api } from '../../state/api.ts';

/** A list that is scrolled asks when it rests. Milliseconds. */
const restingMs = 60;
/** Curves of runs that train are read again no sooner, milliseconds. */
const everyMs = 2000;
/** Curves that are asked for at once. */
const maxAsked = 200;

/** Small loss curves of the runs that are seen. */
export class Curves {
  all = $state.raw<Readonly<Record<string, Points>>>({});
  /** The step that each was asked for at. */
  readonly #known: Record<string, number | undefined> = {};
  #askedAt = -Infinity;

  /** Reads what is lacking. To be called in an effect. @returns asks no more */
  want(runs: readonly RunView[]): (() => void) | undefined {
    const lacking = runs.filter(({ id, step }) => step > 0 && this.#known[id] !== step).slice(0, maxAsked);
    if (lacking.length === 0) return undefined;
    const isNew = lacking.some(({ id }) => this.#known[id] === undefined);
    const sinceMs = performance.now() - this.#askedAt;
    const wait = isNew ? (this.#askedAt < 0 ? 0 : restingMs) : Math.max(0, everyMs - sinceMs);
    const timer = setTimeout(() => void this.#ask(lacking), wait);
    return () => clearTimeout(timer);
  }

  async #ask(runs: readonly RunView[]): Promise<void> {
    this.#askedAt = performance.now();
    for (const { id, step } of runs) this.#known[id] = step;
    try {
      const read = await api.runs.curves({ ids: runs.map(({ id }) => id) });
      this.all = { ...this.all, ...read };
    } catch {
      // Without a connection there is none; with the next news they are asked for again.
      for (const { id } of runs) this.#known[id] = undefined;
    }
  }
}
