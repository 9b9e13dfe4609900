import type { Line } from './types.ts';

export interface Range {
  readonly min: number;
  readonly max: number;
}

const quantile = (sorted: readonly number[], q: number): number => {
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (at - Math.floor(at)) * (high - low);
};

/** The range of a logarithmic axis over the positive values of some lines: as `rangeOf`, of their logarithms. */
export function logRangeOf(lines: readonly Line[], outliers: 'show' | 'cut', visible?: Range): Range | undefined {
  const logs = lines.map(({ x, y }) => ({ x, y: y.map((v) => (v > 0 ? Math.log10(v) : Number.NaN)) }));
  const range = rangeOf(logs, outliers, visible);
  return range && { min: 10 ** range.min, max: 10 ** range.max };
}

/**
 * The range of an axis over some lines. Without outliers it is that of the middle nine tenths, made wider by half its
 * height: one spike must not press the rest into a line. Outliers are cut, never dropped: the lines run out of the picture.
 * @param visible the x that are seen; all when undefined
 */
export function rangeOf(lines: readonly Line[], outliers: 'show' | 'cut', visible?: Range): Range | undefined {
  const values = lines.flatMap(({ x, y }) =>
    y.filter((v, i) => Number.isFinite(v) && (!visible || (x[i]! >= visible.min && x[i]! <= visible.max))),
  );
  if (values.length === 0) return undefined;
  values.sort((a, b) => a - b);
  const [first, last] = [values[0]!, values[values.length - 1]!];
  if (outliers === 'show' || values.length < 20) return padded(first, last);
  const [low, high] = [quantile(values, 0.05), quantile(values, 0.95)];
  const room = 0.5 * (high - low);
  return padded(Math.max(first, low - room), Math.min(last, high + room));
}

/** How many values lie outside of what an axis shows. */
export const outside = (lines: readonly Line[], { min, max }: Range): number =>
  lines.reduce((n, { y }) => n + y.filter((v) => Number.isFinite(v) && (v < min || v > max)).length, 0);

/** Values this near to each other, against their size, are one: float32 has no more digits. */
const sameness = 1e-6;

/** A little more than the values, and something at all where they are one. */
function padded(min: number, max: number): Range {
  if (max - min <= sameness * Math.max(Math.abs(min), Math.abs(max)))
    return { min: min === 0 ? 0 : min - Math.abs(min) * 0.05, max: max + Math.abs(max || 1) * 0.05 };
  const room = 0.04 * (max - min);
  // What is never negative gets no negative axis.
  return { min: min >= 0 ? Math.max(0, min - room) : min - room, max: max + room };
}
