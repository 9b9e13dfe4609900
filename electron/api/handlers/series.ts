import { setImmediate } from 'node:timers/promises';
import type { SeriesPoint, Store, StoredMetrics } from '../../studio/store/index.ts';
import { inOnePiece } from '../serializers.ts';
import { type Points, type Series, type SeriesName, seriesNames } from '../types.ts';

interface Range {
  readonly fromStep?: number | undefined;
  readonly toStep?: number | undefined;
  readonly points: number;
}

/** A run's measures for charts. Between two of them other requests have their turn: each takes as long as several of those. */
export async function readSeries(
  store: Store,
  id: string,
  tokensPerStep: number,
  { fromStep, toStep, points }: Range,
): Promise<Series> {
  const from = fromStep === undefined ? {} : { fromStep };
  const times = store.metrics.measure(id, 'time', { points, ...from, ...(toStep === undefined ? {} : { toStep }) });
  const lastStep = times.points.at(-1)?.step ?? -1;
  const measures = {} as Record<SeriesName, Points>;
  const means = {} as Record<SeriesName, Points>;
  for (const name of seriesNames) {
    await setImmediate();
    // What a run that trains has added meanwhile is in none of them.
    const read = store.metrics.measure(id, name, { points, ...from, toStep: lastStep });
    measures[name] = pointsOf(read.points);
    means[name] = pointsOf(read.means);
  }
  return { measures, means, width: times.width, times: pointsOf(times.points), tokensPerStep, lastStep };
}

export const pointsOf = (points: readonly SeriesPoint[]): Points => ({
  steps: inOnePiece(points.map((p) => p.step)),
  values: inOnePiece(points.map((p) => finiteOrNaN(p.value))),
});

/** The measures of rows, for those that follow a run live: null where a row has none. */
export const columnsOf = (rows: readonly StoredMetrics[]): Record<SeriesName, (number | null)[]> =>
  Object.fromEntries(
    seriesNames.map((name) => {
      const values = rows.map(({ [name]: value }) => (value === null ? null : finiteOrNaN(value)));
      return [name, values.every((value) => value !== null) ? inOnePiece(values) : values];
    }),
  ) as Record<SeriesName, (number | null)[]>;

/** Infinity does not cross every transport; a chart draws both alike. */
const finiteOrNaN = (x: number): number => (Number.isFinite(x) ? x : Number.NaN);
