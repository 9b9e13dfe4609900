/** How far back a pace is measured: an evaluation in between is part of it, an old pause is not. */
const windowMs = 120_000;
/** Before, there is none: the first steps are slower. */
const minMs = 5000;

interface Seen {
  readonly at: number;
  readonly tokens: number;
}

/** How fast a run has trained lately, by the clock. */
export class Pace {
  #seen: Seen[] = [];

  /**
   * @param at now, in milliseconds
   * @param tokens trained so far
   * @param total all that are to be trained
   * @returns seconds left, in whole; null where that is not known
   */
  secondsLeft(at: number, tokens: number, total: number | null): number | null {
    const last = this.#seen.at(-1);
    // It went back: what was before says nothing.
    if (last && tokens < last.tokens) this.#seen = [];
    if (!last || tokens !== last.tokens) this.#seen.push({ at, tokens });
    while (this.#seen.length > 2 && at - this.#seen[1]!.at >= windowMs) this.#seen.shift();
    const [first] = this.#seen;
    const newest = this.#seen.at(-1)!;
    if (total === null || !first || newest.at - first.at < minMs) return null;
    const perMs = (newest.tokens - first.tokens) / (newest.at - first.at);
    return Math.round(Math.max(0, total - tokens) / perMs / 1000);
  }
}
