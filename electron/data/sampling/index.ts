import { plural, formatCount } from '../../base/format.ts';
import { UserError } from '../../base/errors.ts';
import type { TokenSource } from '../dataset/index.ts';
import { hashOf, permuted } from './permutation.ts';

export { hashOf, permuted } from './permutation.ts';

/** One sequence: `targets` is `inputs` moved by one token. */
export interface TokenWindow {
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
}

/** @throws UserError that says how many tokens there are and how many are needed */
function requireWindow(tokens: number, contextLength: number, what: string): void {
  if (tokens > contextLength) return;
  throw new UserError(
    `The ${what} has ${plural(tokens, 'token')} and one window needs ${formatCount(contextLength + 1)}: use more text or a context of at most ${Math.max(1, tokens - 1)}.`,
  );
}

function windowAt(source: TokenSource, start: number, contextLength: number): TokenWindow {
  const tokens = source.window(start, contextLength + 1);
  return { inputs: tokens.subarray(0, contextLength), targets: tokens.subarray(1) };
}

/**
 * The order of the training data: the n-th window is a pure function of (seed, n). In each epoch every window comes once,
 * in another order, and with other boundaries between the windows.
 */
export class WindowSampler {
  readonly windows: number;
  readonly #source: TokenSource;
  readonly #contextLength: number;
  readonly #seed: number;

  /** @param what is sampled, for the error when it is too short */
  constructor(
    source: TokenSource,
    { contextLength, seed }: { contextLength: number; seed: number },
    what = 'training data',
  ) {
    requireWindow(source.tokens, contextLength, what);
    const whole = Math.floor((source.tokens - 1) / contextLength);
    // One window fewer leaves room to move the boundaries by up to a whole window.
    this.windows = whole > 16 ? whole - 1 : whole;
    this.#source = source;
    this.#contextLength = contextLength;
    this.#seed = seed;
  }

  /** @param n sequences since the run's start */
  read(n: number): TokenWindow {
    const epoch = Math.floor(n / this.windows);
    const key = hashOf(this.#seed, epoch);
    const slack = this.#source.tokens - 1 - this.windows * this.#contextLength;
    const offset = hashOf(this.#seed, epoch, 1) % Math.min(slack + 1, this.#contextLength);
    const index = permuted(n % this.windows, this.windows, key);
    return windowAt(this.#source, offset + index * this.#contextLength, this.#contextLength);
  }
}

/** At most `max` windows, evenly spread over a split: always the same ones. */
export function validationWindows(source: TokenSource, contextLength: number, max: number) {
  requireWindow(source.tokens, contextLength, 'validation data');
  const whole = Math.floor((source.tokens - 1) / contextLength);
  const count = Math.min(max, whole);
  return {
    count,
    read: (i: number): TokenWindow => windowAt(source, Math.floor((i * whole) / count) * contextLength, contextLength),
  };
}
