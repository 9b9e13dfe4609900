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

/** A little more than the values, and something at all where they are one. */
function padded(min: number, max: number): Range {
  if (min === max) return { min: min - Math.abs(min || 1) * 0.05, max: max + Math.abs(max || 1) * 0.05 };
  const room = 0.04 * (max - min);
  // What is never negative gets no negative axis.
  return { min: min >= 0 ? Math.max(0, min - room) : min - room, max: max + room };
}

/** The part of a range that a logarithmic axis can show, from the least positive value on. */
export function logRange(range: Range, lines: readonly Line[]): Range | undefined {
  if (range.max <= 0) return undefined;
  if (range.min > 0) return range;
  let least = range.max;
  for (const { y } of lines) for (const v of y) if (v > 0 && v < least) least = v;
  return { min: least, max: range.max };
}
