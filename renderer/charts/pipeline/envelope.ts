import { bucketsOf } from './decimate.ts';
import type { Line } from './types.ts';

/** Between which values a line lies: what of it was measured in each stretch of x. */
export interface Envelope {
  readonly x: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** The least and the greatest value of each of at most `buckets` stretches of x. What is not finite has no place in it. */
export function envelope(line: Line, buckets: number): Envelope {
  const out = { x: [] as number[], low: [] as number[], high: [] as number[] };
  for (const { from, to } of bucketsOf(line, buckets)) {
    const values = line.y.slice(from, to).filter(Number.isFinite);
    if (values.length === 0) continue;
    const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
    // At both of its ends: a band reaches as far as what was measured.
    for (const x of new Set([line.x[from]!, line.x[to - 1]!])) {
      out.x.push(x);
      out.low.push(low);
      out.high.push(high);
    }
  }
  return out;
}
