import type { Measure, SeriesPoint, Store, StoredMetrics } from '../../studio/store/index.ts';
import { type Points, type Series, type SeriesName, seriesNames } from '../types.ts';

interface Range {
  readonly fromStep?: number | undefined;
  readonly toStep?: number | undefined;
  readonly points: number;
}

/** A run's measures for charts. */
export function readSeries(
  store: Store,
  id: string,
  tokensPerStep: number,
  { fromStep, toStep, points }: Range,
): Series {
  const options = {
    points,
    ...(fromStep === undefined ? {} : { fromStep }),
    ...(toStep === undefined ? {} : { toStep }),
  };
  const read = (name: SeriesName | 'time') => store.readMeasure(id, name, options);
  const found = seriesNames.map((name) => [name, read(name)] as const);
  const columns = (of: (measure: Measure) => readonly SeriesPoint[]) =>
    Object.fromEntries(found.map(([name, measure]) => [name, pointsOf(of(measure))])) as Record<SeriesName, Points>;
  const time = read('time');
  return {
    measures: columns((m) => m.points),
    means: columns((m) => m.means),
    width: time.width,
    times: pointsOf(time.points),
    tokensPerStep,
    lastStep: time.points.at(-1)?.step ?? -1,
  };
}

const pointsOf = (points: readonly SeriesPoint[]): Points => ({
  steps: points.map((p) => p.step),
  values: points.map((p) => finiteOrNaN(p.value)),
});

/** The measures of rows, for those that follow a run live. */
export const columnsOf = (rows: readonly StoredMetrics[]): Record<SeriesName, number[]> =>
  Object.fromEntries(
    seriesNames.map((name) => [name, rows.map((row) => finiteOrNaN(row[name] ?? Number.NaN))]),
  ) as Record<SeriesName, number[]>;

/** Infinity does not cross every transport; a chart draws both alike. */
const finiteOrNaN = (x: number): number => (Number.isFinite(x) ? x : Number.NaN);
