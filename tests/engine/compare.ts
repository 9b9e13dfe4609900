import { expect } from 'vitest';

/** float32's relative distance between neighbors. */
export const eps32 = 2 ** -23;

export interface Difference {
  /** Largest |a - b| over the largest |b|; Infinity where either is NaN or infinite. */
  readonly largest: number;
  /** √(Σ (a - b)² / Σ b²) */
  readonly meanSquare: number;
  /** Where the largest one is. */
  readonly index: number;
}

/**
 * Compares with a reference. NaN or infinity anywhere makes the difference infinite: no comparison with it can pass.
 * @param size what is divided by where the reference itself is smaller: the size that results of this kind usually have
 */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>, size = 0): Difference {
  let [largest, index, scale, squares, reference] = [0, 0, size, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    const error = Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) : Number.POSITIVE_INFINITY;
    if (error > largest) [largest, index] = [error, i];
    scale = Math.max(scale, Math.abs(b));
    squares += error * error;
    reference += b * b;
  }
  const ratio = (d: number, s: number) => (d === 0 || d === Number.POSITIVE_INFINITY || s === 0 ? d : d / s);
  const defaults = Math.max(reference, size * size * expected.length);
  return { largest: ratio(largest, scale), meanSquare: Math.sqrt(ratio(squares, defaults)), index };
}

/**
 * Expects `actual` within `tolerance` of `expected`, relative to the largest magnitude there (or to `size`), and the
 * normalized root mean square of the error within it too. Fails on NaN and on a wrong length.
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
  size = 0,
): void {
  if (actual.length !== expected.length) expect.fail(`${what}: length ${actual.length}, not ${expected.length}`);
  const { largest, meanSquare, index } = difference(actual, expected, size);
  const detail = `${what}: [${index}] is ${actual[index]}, expected ${expected[index]}`;
  expect(largest, detail).toBeLessThanOrEqual(tolerance);
  expect(meanSquare, detail).toBeLessThanOrEqual(tolerance);
}

/** Whether two arrays hold the same bits: NaN equals itself, 0 does not equal -0. */
export function sameBits(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const bytes = (x: ArrayBufferView) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return bytes(a).equals(bytes(b));
}
