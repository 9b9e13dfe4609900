import type { Line } from './types.ts';

/**
 * The points of a line by stretches of x, at most about `buckets` of them: first index, and the one behind the last. Widths are
 * powers of two counted from 0: points on screen don't jump when a live line grows.
 */
export function* bucketsOf({ x }: Line, buckets: number): Generator<{ from: number; to: number }> {
  if (x.length === 0) return;
  const span = x[x.length - 1]! - x[0]!;
  const width = span > 0 ? 2 ** Math.ceil(Math.log2(span / buckets)) : 1;
  for (let i = 0; i < x.length;) {
    const from = i;
    const bucket = Math.floor(x[i]! / width);
    while (i < x.length && Math.floor(x[i]! / width) === bucket) i++;
    yield { from, to: i };
  }
}

/**
 * At most about twice as many points as `buckets`: the least and the greatest of each bucket, in their order, a NaN where
 * there is one, and the first and the last of all.
 */
export function decimate(line: Line, buckets: number): Line {
  const { x, y } = line;
  if (x.length <= 2 * buckets) return line;
  const out: { x: number[]; y: number[] } = { x: [], y: [] };
  for (const { from, to } of bucketsOf(line, buckets)) {
    let [min, greatest, nan] = [-1, -1, -1];
    for (let i = from; i < to; i++) {
      if (Number.isNaN(y[i]!)) nan = nan < 0 ? i : nan;
      else if (min < 0) min = greatest = i;
      else if (y[i]! < y[min]!) min = i;
      else if (y[i]! > y[greatest]!) greatest = i;
    }
    const kept = [min, greatest, nan].filter((j) => j >= 0);
    if (from === 0) kept.push(0);
    if (to === x.length) kept.push(to - 1);
    for (const at of [...new Set(kept)].sort((a, b) => a - b)) {
      out.x.push(x[at]!);
      out.y.push(y[at]!);
    }
  }
  return out;
}

/** The part of a line from one x to another, and a point beyond each end so that it is drawn up to the edge. */
export function within({ x, y }: Line, min: number, max: number): Line {
  let first = x.findIndex((v) => v >= min);
  if (first < 0) first = x.length;
  let end = x.findIndex((v) => v > max);
  if (end < 0) end = x.length;
  const [from, to] = [Math.max(0, first - 1), Math.min(x.length, end + 1)];
  return { x: x.slice(from, to), y: y.slice(from, to) };
}
