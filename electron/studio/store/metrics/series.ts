import type { Connection } from '../connection.ts';
import { fromStored, type StoredNumber } from '../schema.ts';
import { addValue, type Bucket, emptyBucket, isEmpty } from './buckets.ts';
import { type MetricName, metricNumber } from './columns.ts';
import { addRow, levels, type RollupRow, rollupQuery, widthOf } from './rollups.ts';

export interface SeriesOptions {
  /** First and last step wanted; both are included. Default: all. */
  readonly fromStep?: number;
  readonly toStep?: number;
  /** Buckets at most. Default 1000. */
  readonly points?: number;
}

export interface SeriesPoint {
  readonly step: number;
  readonly value: number;
}

/** A stretch of whole buckets of one level, or of rows (level 0): first..last included. */
interface LevelRange {
  readonly level: number;
  readonly first: number;
  readonly last: number;
}

/**
 * The smallest power of two such that from..to touches at most `points` intervals of that many steps. Intervals begin at
 * multiples of their width, whatever the range: while a run grows, they stay or merge in pairs, and no point jumps.
 */
export function bucketWidth(from: number, to: number, points: number): number {
  let width = 1;
  while (Math.floor(to / width) - Math.floor(from / width) + 1 > points) width *= 2;
  return width;
}

/** Covers from..to exactly, in order, by stretches of the given level and finer ones at both ends. */
export function cover(from: number, to: number, level: number): LevelRange[] {
  if (from > to) return [];
  if (level === 0) return [{ level, first: from, last: to }];
  const width = widthOf(level);
  const [first, last] = [Math.ceil(from / width), Math.floor((to + 1) / width) - 1];
  if (first > last) return cover(from, to, level - 1);
  return [
    ...cover(from, first * width - 1, level - 1),
    { level, first, last },
    ...cover((last + 1) * width, to, level - 1),
  ];
}

/**
 * One measure over from..to in at most `points` buckets of equal width (a power of two of steps); empty ones are left
 * out. Only the steps in the range count, also in the first and the last bucket.
 */
export function readBuckets(
  connection: Connection,
  run: number,
  metric: MetricName,
  { fromStep, toStep, points = 1000 }: SeriesOptions = {},
): Bucket[] {
  if (!(points >= 1)) throw new RangeError(`points must be 1 or more, not ${points}`);
  // The name goes into the query's text: only names of the list may.
  const number = metricNumber(metric);
  return connection.read(() => {
    // Two queries in one: SQLite answers each by the key's order, but min and max together by reading every row.
    const ends = connection
      .prepare(
        'SELECT (SELECT min(step) FROM metrics WHERE run = @run), (SELECT max(step) FROM metrics WHERE run = @run)',
      )
      .raw();
    const [first, last] = ends.get({ run }) as [number, number] | [null, null];
    if (first === null) return [];
    const from = Math.max(first, Math.ceil(fromStep ?? first));
    const to = Math.min(last, Math.floor(toStep ?? last));
    if (from > to) return [];
    const width = bucketWidth(from, to, points);
    let level = 0;
    while (level < levels && widthOf(level + 1) <= width) level++;
    const buckets: Bucket[] = [];
    const bucketAt = (step: number): Bucket => {
      const start = Math.floor(step / width) * width;
      let bucket = buckets[buckets.length - 1];
      if (bucket?.fromStep !== start) {
        bucket = emptyBucket(start, start + width - 1);
        buckets.push(bucket);
      }
      return bucket;
    };
    for (const range of cover(from, to, level)) {
      if (range.level === 0) {
        const text = `SELECT step, ${metric} FROM metrics WHERE run = ? AND step BETWEEN ? AND ? ORDER BY step`;
        const rows = connection.prepare(text).raw().all(run, range.first, range.last) as [number, StoredNumber][];
        for (const [step, stored] of rows) {
          const value = fromStored(stored);
          if (value !== null) addValue(bucketAt(step), step, value);
        }
      } else {
        const { level: at, first, last } = range;
        const rows = connection.prepare(rollupQuery).raw().all(run, number, at, first, last) as RollupRow[];
        for (const row of rows) addRow(bucketAt(row[0] * widthOf(at)), row);
      }
    }
    return buckets.filter((b) => !isEmpty(b));
  });
}

/**
 * One measure as points in the order of their steps: each bucket's smallest and largest value, where they happened, its
 * first NaN, and the `ends`. At most 2 × `points` points, one more for each bucket that holds a NaN, and the two ends.
 */
export function toPoints(buckets: readonly Bucket[], ends: readonly SeriesPoint[] = []): SeriesPoint[] {
  const points = new Map<number, SeriesPoint>();
  const put = (step: number, value: number) => void points.set(step, { step, value });
  for (const b of buckets) {
    if (b.count > 0) {
      put(b.minStep, b.min);
      put(b.maxStep, b.max);
    }
    if (b.nanStep !== null) put(b.nanStep, Number.NaN);
  }
  for (const { step, value } of ends) put(step, value);
  return [...points.values()].sort((p, q) => p.step - q.step);
}

/**
 * The first and the last value of what buckets were read from. A bucket keeps its extremes alone: without these, a curve
 * would end before the newest step.
 */
export function readEnds(
  connection: Connection,
  run: number,
  metric: MetricName,
  buckets: readonly Bucket[],
  { fromStep = 0, toStep = Number.MAX_SAFE_INTEGER }: SeriesOptions = {},
): SeriesPoint[] {
  const [first, last] = [buckets[0], buckets[buckets.length - 1]];
  if (!first || !last) return [];
  metricNumber(metric);
  const at = (order: 'ASC' | 'DESC', from: number, to: number): SeriesPoint[] => {
    const row = connection
      .prepare(
        `SELECT step, ${metric} FROM metrics WHERE run = ? AND step BETWEEN ? AND ? AND ${metric} IS NOT NULL
         ORDER BY step ${order} LIMIT 1`,
      )
      .raw()
      .get(run, Math.max(from, Math.ceil(fromStep)), Math.min(to, Math.floor(toStep))) as
      [number, StoredNumber] | undefined;
    const value = row ? fromStored(row[1]) : null;
    return value === null ? [] : [{ step: row![0], value }];
  };
  return connection.read(() => [...at('ASC', first.fromStep, first.toStep), ...at('DESC', last.fromStep, last.toStep)]);
}

/**
 * The mean of each bucket, in the middle of the steps that it covers between the first and the last of all. NaN where it
 * holds nothing else; left out where infinities leave it none.
 */
export function toMeans(buckets: readonly Bucket[], [first, last]: readonly [number, number]): SeriesPoint[] {
  return buckets.flatMap((b): SeriesPoint[] => {
    const step = (Math.max(b.fromStep, first) + Math.min(b.toStep, last)) / 2;
    if (b.count === 0) return [{ step, value: Number.NaN }];
    const value = b.sum / b.count;
    return Number.isFinite(value) ? [{ step, value }] : [];
  });
}
