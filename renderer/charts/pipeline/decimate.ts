import type { Line } from './types.ts';

/**
 * At most about twice as many points as `buckets`: the least and the greatest of each bucket, in their order, and a NaN
 * where there is one. Buckets are stretches of x whose width is a power of two, counted from 0: points on screen don't jump
 * when a live line grows.
 */
export function decimate({ x, y }: Line, buckets: number): Line {
  if (x.length <= 2 * buckets) return { x, y };
  const span = x[x.length - 1]! - x[0]!;
  const width = 2 ** Math.ceil(Math.log2(span / buckets));
  const out: { x: number[]; y: number[] } = { x: [], y: [] };
  const put = (i: number) => {
    out.x.push(x[i]!);
    out.y.push(y[i]!);
  };
  for (let i = 0; i < x.length;) {
    const bucket = Math.floor(x[i]! / width);
    let [least, greatest, nan] = [-1, -1, -1];
    for (; i < x.length && Math.floor(x[i]! / width) === bucket; i++) {
      if (Number.isNaN(y[i]!)) nan = nan < 0 ? i : nan;
      else if (least < 0) least = greatest = i;
      else if (y[i]! < y[least]!) least = i;
      else if (y[i]! > y[greatest]!) greatest = i;
    }
    for (const at of [...new Set([least, greatest, nan])].filter((j) => j >= 0).sort((a, b) => a - b)) put(at);
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
