import type { Line } from './types.ts';

/** The index of the point whose x is nearest, in a line whose x rises; -1 in an empty one. */
export function nearestPoint({ x }: Line, at: number): number {
  if (x.length === 0) return -1;
  let [low, high] = [0, x.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (x[middle]! <= at) low = middle;
    else high = middle;
  }
  return Math.abs(x[low]! - at) <= Math.abs(x[high]! - at) ? low : high;
}

/** A measured point that is read: of which line, and where it was measured. */
export interface Reading {
  readonly line: number;
  readonly index: number;
  readonly x: number;
}

/**
 * What lines say near an x: the measured point that is nearest of all, and points of other lines that are as good as there.
 * Nothing is carried over from further away and nothing lies between two points.
 * @param reach how far from the first point others may lie, in units of x
 */
export function readingsAt(
  lines: readonly Line[],
  at: number,
  reach: number,
): { x: number; points: Reading[] } | undefined {
  const nearest = (to: number): Reading[] =>
    lines.flatMap((line, i) => {
      const index = nearestPoint(line, to);
      return index < 0 ? [] : [{ line: i, index, x: line.x[index]! }];
    });
  const all = nearest(at);
  if (all.length === 0) return undefined;
  const { x } = all.reduce((a, b) => (Math.abs(b.x - at) < Math.abs(a.x - at) ? b : a));
  return { x, points: nearest(x).filter((r) => Math.abs(r.x - x) <= reach) };
}

/**
 * The measured x that comes next on the way up or down, at least `step` away where there is one in reach of it.
 * @param direction 1: up, -1: down
 */
export function nextX(lines: readonly Line[], from: number, direction: 1 | -1, step: number): number {
  const beyond = (x: number, by: number) => direction * (x - from) >= by && x !== from;
  const closest = (by: number): number | undefined => {
    let found: number | undefined;
    for (const { x } of lines)
      for (const v of x) if (beyond(v, by) && (found === undefined || direction * (v - found) < 0)) found = v;
    return found;
  };
  return closest(step) ?? closest(0) ?? from;
}

/** A row of a table: an x, and what each line measured there and nowhere else; undefined where it measured nothing. */
export interface TableRow {
  readonly x: number;
  readonly values: readonly (number | undefined)[];
}

/** Rows that say what curves do: about `count` points of each line, evenly, its first and last among them. */
export function tableRows(lines: readonly Line[], count: number): TableRow[] {
  const rows = new Map<number, (number | undefined)[]>();
  for (const { x } of lines) {
    const every = Math.max(1, Math.ceil((x.length - 1) / count));
    x.forEach(
      (v, i) => (i % every === 0 || i === x.length - 1) && rows.set(v, new Array(lines.length).fill(undefined)),
    );
  }
  lines.forEach(({ x, y }, column) => x.forEach((v, i) => rows.get(v)?.splice(column, 1, y[i])));
  return [...rows].sort(([a], [b]) => a - b).map(([x, values]) => ({ x, values }));
}
