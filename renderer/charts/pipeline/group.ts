import type { Line } from './types.ts';

/** Places at which the mean of a group is taken, at most. */
const maxPlaces = 1000;

/** Every x of some lines once, in order; of very many every nth, and the last. */
function placesOf(lines: readonly Line[]): number[] {
  const all = [...new Set(lines.flatMap(({ x }) => x))].sort((a, b) => a - b);
  const every = Math.ceil(all.length / maxPlaces);
  return every <= 1 ? all : all.filter((_, i) => i % every === 0 || i === all.length - 1);
}

/** A line's values at rising places: between its points in proportion, undefined beyond its ends. */
function valuesAt({ x, y }: Line, places: readonly number[]): (number | undefined)[] {
  let at = 0;
  return places.map((place) => {
    while (at < x.length && x[at]! < place) at++;
    if (at === x.length) return undefined;
    if (x[at] === place) return y[at];
    if (at === 0) return undefined;
    const part = (place - x[at - 1]!) / (x[at]! - x[at - 1]!);
    return y[at - 1]! + part * (y[at]! - y[at - 1]!);
  });
}

/**
 * The mean of several lines over x, and the least and the greatest of them. A line counts where it has been measured: between its
 * first and its last point, and where it is a number. Where none of those is one, all three are NaN.
 */
export function meanAndRange(lines: readonly Line[]): { mean: Line; low: Line; high: Line } {
  const x = placesOf(lines);
  const values = lines.map((line) => valuesAt(line, x));
  const of = (reduce: (there: readonly number[]) => number): Line => ({
    x,
    y: x.map((_, i) => {
      const there = values.flatMap((v) => (v[i] === undefined || !Number.isFinite(v[i]) ? [] : [v[i]]));
      return there.length === 0 ? Number.NaN : reduce(there);
    }),
  });
  return {
    mean: of((there) => there.reduce((a, b) => a + b) / there.length),
    low: of((there) => Math.min(...there)),
    high: of((there) => Math.max(...there)),
  };
}
