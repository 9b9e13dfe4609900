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

/** Fewer values than these have no quantiles to tell of. */
const minForQuantiles = 20;

/**
 * The ends of what is seen of a line, without its outliers: of many values the middle nine tenths made wider by half their
 * height; of few, each of which took an evaluation, all but those more than three times the height of the middle half away
 * from it (Tukey 1977: far out).
 */
function endsOf(values: readonly number[]): readonly [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const [first, last] = [sorted[0]!, sorted[sorted.length - 1]!];
  const few = sorted.length < minForQuantiles;
  const tail = few ? 0.25 : 0.05;
  const [low, high] = [quantile(sorted, tail), quantile(sorted, 1 - tail)];
  // Four values have no tails, and where the middle half is one value nothing says how far is far.
  if (few && (sorted.length < 5 || low === high)) return [first, last];
  const room = (few ? 3 : 0.5) * (high - low);
  return [Math.max(first, low - room), Math.min(last, high + room)];
}

/**
 * The range of an axis over some lines. Without outliers one spike must not press the rest into a line: they are cut, never
 * dropped, and the lines run out of the picture. What is an outlier is asked of each line by itself: a few validation losses
 * beside thousands of training losses are none.
 * @param visible the x that are seen; all when undefined
 */
export function rangeOf(lines: readonly Line[], outliers: 'show' | 'cut', visible?: Range): Range | undefined {
  const values = lines
    .map(({ x, y }) =>
      y.filter((v, i) => Number.isFinite(v) && (!visible || (x[i]! >= visible.min && x[i]! <= visible.max))),
    )
    .filter((of) => of.length > 0);
  if (values.length === 0) return undefined;
  const isCut = outliers === 'cut' && values.reduce((n, of) => n + of.length, 0) >= minForQuantiles;
  const ends = values.map((of) =>
    isCut ? endsOf(of) : ([of.reduce((a, b) => Math.min(a, b)), of.reduce((a, b) => Math.max(a, b))] as const),
  );
  return padded(Math.min(...ends.map(([low]) => low)), Math.max(...ends.map(([, high]) => high)));
}

/**
 * A part of x to zoom into, made wider where it holds fewer than two points of every line: between two points that follow each
 * other nothing was measured.
 */
export function zoomRange({ min, max }: Range, lines: readonly Line[]): Range {
  let nearest: Range | undefined;
  for (const { x } of lines) {
    const inside = x.filter((v) => v >= min && v <= max);
    if (new Set(inside).size > 1) return { min, max };
    const before = x.findLast((v) => v < (inside[0] ?? min)) ?? inside[0];
    const after = x.find((v) => v > (inside[0] ?? max)) ?? inside[0];
    if (before === undefined || after === undefined || before === after) continue;
    const around = { min: Math.min(min, before), max: Math.max(max, after) };
    if (!nearest || around.max - around.min < nearest.max - nearest.min) nearest = around;
  }
  return nearest ?? { min, max };
}

/**
 * A range made wider or narrower around a value within it, which stays where it is in the picture.
 * @param factor of its width: above 1 is wider
 * @param log on a logarithmic axis
 */
export function scaledRange({ min, max }: Range, factor: number, around: number, log = false): Range {
  if (log) {
    const scaled = scaledRange({ min: Math.log(min), max: Math.log(max) }, factor, Math.log(around));
    return { min: Math.exp(scaled.min), max: Math.exp(scaled.max) };
  }
  const at = Math.min(max, Math.max(min, around));
  return { min: at - factor * (at - min), max: at + factor * (max - at) };
}

/** A range moved by a part of its width. */
export function shiftedRange({ min, max }: Range, part: number, log = false): Range {
  if (log) {
    const shifted = shiftedRange({ min: Math.log(min), max: Math.log(max) }, part);
    return { min: Math.exp(shifted.min), max: Math.exp(shifted.max) };
  }
  return { min: min + part * (max - min), max: max + part * (max - min) };
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
