import type { ChartDataset } from 'chart.js';
import type { Gap, Shade } from './overlay.ts';
import { decimate, envelope, type Line, partition } from './pipeline/index.ts';

/** One measure of one run. */
export interface Drawn {
  readonly label: string;
  /** What was measured. */
  readonly line: Line;
  /** Its moving average: drawn in its place, with what was measured behind it. */
  readonly smoothed?: Line;
  /** The line holds the extremes of intervals, not every value. */
  readonly thinned?: boolean;
  readonly colour: string;
  readonly dash?: number[];
  /** Drawn as points that are joined: evaluations. */
  readonly sparse?: boolean;
  /** What is read beside a value, by its x: the same in another unit. */
  readonly beside?: (x: number) => string | undefined;
}

/** Points that are drawn of a line at most are about twice as many. */
const buckets = 800;
/** Stretches of a band: so wide that each holds several intervals of the series, with the least and the greatest of them. */
const bandBuckets = 250;

const dotRadius = 2.5;

type LineData = ChartDataset<'line', { x: number; y: number }[]>;

/** A line as Chart.js draws it: in parts that rise, with a dot where a point has no neighbour to be joined to. */
function datasetsOf(
  line: Line,
  label: string,
  colour: string,
  width: number,
  dash: number[],
  sparse: boolean,
  whole: boolean,
): LineData[] {
  return partition(decimate(line, buckets)).map(({ x, y }) => {
    const good = (i: number) => i >= 0 && i < y.length && !Number.isNaN(y[i]!);
    return {
      label,
      data: x.map((v, i) => ({ x: v, y: y[i]! })),
      borderColor: colour,
      borderWidth: width,
      borderDash: dash,
      pointBackgroundColor: colour,
      pointBorderColor: colour,
      pointRadius: x.map((_, i) => (sparse || (good(i) && !good(i - 1) && !good(i + 1)) ? dotRadius : 0)),
      tension: 0,
      ...(whole ? { clip: { left: dotRadius + 1, right: dotRadius + 1, top: 1, bottom: 1 } } : {}),
    };
  });
}

/**
 * What is drawn of some lines: smoothed ones in front of a thin line of what was measured, where no band tells it.
 * @param whole all of them is seen: the first and the last dot reach beyond the edges
 */
export function drawn(lines: readonly Drawn[], whole = false): LineData[] {
  return lines.flatMap(({ label, line, smoothed, thinned, colour, dash = [], sparse = false }) => {
    if (!smoothed) return datasetsOf(line, label, colour, 1.75, dash, sparse, whole);
    const raw = thinned ? [] : datasetsOf(line, '', `${colour}40`, 1, dash, false, whole);
    return [...raw, ...datasetsOf(smoothed, label, colour, 1.75, dash, false, whole)];
  });
}

/** Bands from the least to the greatest value, behind smoothed lines that stand for many. */
export const bandsOf = (lines: readonly Drawn[]): Shade[] =>
  lines.flatMap(({ line, smoothed, thinned, colour }) =>
    smoothed && thinned
      ? partition(line).map((part) => ({ ...envelope(part, bandBuckets), colour: `${colour}30` }))
      : [],
  );

/** Where lines have values that are no numbers: at the height of the last good one, or without a height. */
export const gapsOf = (lines: readonly Drawn[]): Gap[] =>
  lines.flatMap(({ line, colour }) => {
    let last = Number.NaN;
    return line.y.flatMap((y, i): Gap[] => {
      if (Number.isNaN(y)) return [{ x: line.x[i]!, y: last, colour }];
      last = y;
      return [];
    });
  });

/** A line without what a logarithmic axis has no place for. */
export const positive = ({ x, y }: Line): Line => ({ x, y: y.map((v) => (v > 0 ? v : Number.NaN)) });
