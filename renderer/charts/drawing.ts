import type { ChartDataset } from 'chart.js';
import { decimate, envelope, type Line, partition, type Range } from './pipeline/index.ts';

/** One measure of one run. */
export interface Plotted {
  /** What it is hidden by, the same in every chart of a page. */
  readonly key: string;
  readonly label: string;
  /** What was measured. */
  readonly line: Line;
  /** Its moving average: drawn in its place, with what was measured behind it. */
  readonly smoothed?: Line;
  /** The line holds the extremes of intervals, not every value. */
  readonly thinned?: boolean;
  /** Between which values several runs lie whose mean the line is. */
  readonly spread?: { readonly low: Line; readonly high: Line };
  readonly color: string;
  readonly dash?: readonly number[];
  /** Drawn as points that are joined: evaluations. */
  readonly sparse?: boolean;
  /** The x of its best value, which is marked. */
  readonly best?: number;
  /** What is read beside a value, by its x: the same in another unit. */
  readonly beside?: (x: number) => string | undefined;
}

/** Points that are drawn of a line at most are about twice as many. */
const buckets = 800;
/** Parts of a band: so wide that each holds several intervals of the series, with the least and the greatest of them. */
const bandBuckets = 250;

const dotRadius = 2.5;
const bestRadius = 6;

export type LineData = ChartDataset<'line', { x: number; y: number }[]>;

const pointsOf = (x: readonly number[], y: readonly number[]) => x.map((v, i) => ({ x: v, y: y[i]! }));

/** Dots at the edges of a picture that shows all are whole. */
const wholeDots = (radius: number) => ({ left: radius + 1, right: radius + 1, top: 1, bottom: 1 });

/**
 * A line as Chart.js draws it: in parts that rise, with a dot where a point has no neighbor to be joined to. Each dataset has one
 * radius for all of its points: with a list of them Chart.js looks every option of every point up, at every picture.
 */
function datasetsOf(
  line: Line,
  { label, color, dash = [] }: Pick<Plotted, 'label' | 'color' | 'dash'>,
  { width, sparse, whole, order }: { width: number; sparse: boolean; whole: boolean; order: number },
): LineData[] {
  const points = {
    ...{ label, order, pointBackgroundColor: color, pointBorderColor: color },
    ...(whole ? { clip: wholeDots(dotRadius) } : {}),
  };
  return partition(decimate(line, buckets)).flatMap(({ x, y }): LineData[] => {
    const good = (i: number) => i >= 0 && i < y.length && !Number.isNaN(y[i]!);
    const data = pointsOf(x, y);
    const lone = sparse ? [] : data.filter((_, i) => good(i) && !good(i - 1) && !good(i + 1));
    return [
      {
        ...{ ...points, data, tension: 0, pointRadius: sparse ? dotRadius : 0 },
        ...{ borderColor: color, borderWidth: width, borderDash: [...dash] },
      },
      ...(lone.length > 0 ? [{ ...points, data: lone, showLine: false, pointRadius: dotRadius }] : []),
    ];
  });
}

/**
 * What is drawn of some lines: smoothed ones in front of a thin line of what was measured, where no band says it.
 * @param whole all of them is seen: the first and the last dot reach beyond the edges
 */
export function plotted(lines: readonly Plotted[], whole = false): LineData[] {
  return lines.flatMap((plot) => {
    const { line, smoothed, thinned, color, sparse = false } = plot;
    if (!smoothed) return datasetsOf(line, plot, { width: 1.75, sparse, whole, order: 1 });
    const pale = { label: '', color: `${color}40`, dash: plot.dash ?? [] };
    const raw = thinned ? [] : datasetsOf(line, pale, { width: 1, sparse: false, whole, order: 2 });
    return [...raw, ...datasetsOf(smoothed, plot, { width: 1.75, sparse: false, whole, order: 1 })];
  });
}

/** Rings around the best values, in front of all lines. @param background what a ring is filled with */
export const ringsOf = (lines: readonly Plotted[], background: string): LineData[] =>
  lines.flatMap(({ line, best, color }): LineData[] => {
    const at = best === undefined ? -1 : line.x.indexOf(best);
    if (at < 0) return [];
    return [
      {
        label: '',
        data: [{ x: best!, y: line.y[at]! }],
        order: 0,
        showLine: false,
        pointStyle: 'circle',
        pointRadius: bestRadius,
        pointBorderWidth: 2,
        pointBorderColor: color,
        pointBackgroundColor: background,
        clip: wholeDots(bestRadius),
      },
    ];
  });

const isHigh = (i: number): boolean => i % 2 === 0;

/**
 * Bands from the least to the greatest value: behind smoothed lines that stand for many values, and of runs behind their mean.
 * Each is two datasets without a line, the second of which is filled up to the first.
 */
export const bandsOf = (lines: readonly Plotted[]): LineData[] =>
  lines.flatMap(({ line, smoothed, thinned, spread, color }): LineData[] => {
    const between =
      smoothed && thinned
        ? partition(line).map((part) => {
            const { x, low, high } = envelope(part, bandBuckets);
            return { high: { x, y: high }, low: { x, y: low } };
          })
        : spread
          ? [{ high: decimate(spread.high, buckets), low: decimate(spread.low, buckets) }]
          : [];
    return between
      .flatMap(({ high, low }) => [high, low])
      .map(({ x, y }, i) => ({
        label: '',
        data: pointsOf(x, y),
        order: 3,
        borderWidth: 0,
        pointRadius: 0,
        ...(isHigh(i) ? {} : { fill: '-1', backgroundColor: `${color}30` }),
      }));
  });

/** A measure that was no number: where, and the last good value, NaN where there was none before. */
export interface Gap {
  readonly x: number;
  readonly y: number;
}

/** Where a line has values that are no numbers. */
export function gapsOf({ x, y }: Line): Gap[] {
  let last = Number.NaN;
  return y.flatMap((value, i): Gap[] => {
    if (Number.isNaN(value)) return [{ x: x[i]!, y: last }];
    last = value;
    return [];
  });
}

/** Triangles where lines have values that are no numbers: at the height of the last good one, or at the top without one. */
export const trianglesOf = (lines: readonly Plotted[], { min, max }: Range): LineData[] =>
  lines.flatMap(({ line, color }): LineData[] => {
    const data = gapsOf(line).map(({ x, y }) => ({
      x,
      y: Number.isNaN(y) ? max : Math.min(max, Math.max(min, y)),
    }));
    if (data.length === 0) return [];
    return [
      {
        label: '',
        data,
        order: 0,
        showLine: false,
        pointStyle: 'triangle',
        pointRadius: 5,
        pointBackgroundColor: color,
        pointBorderColor: color,
        clip: { left: 0, right: 0, top: 6, bottom: 6 },
      },
    ];
  });

/** A line without what a logarithmic axis has no place for. */
export const positive = ({ x, y }: Line): Line => ({ x, y: y.map((v) => (v > 0 ? v : Number.NaN)) });
