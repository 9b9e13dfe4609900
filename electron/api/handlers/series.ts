import type { Store, StoredMetrics } from '../../studio/store/index.ts';
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
  const read = (name: SeriesName | 'time'): Points => {
    const series = store.readSeries(id, name, options);
    return { steps: series.map((p) => p.step), values: series.map((p) => finiteOrNaN(p.value)) };
  };
  const measures = Object.fromEntries(seriesNames.map((name) => [name, read(name)])) as Record<SeriesName, Points>;
  const times = read('time');
  return { measures, times, tokensPerStep, lastStep: measures.loss.steps.at(-1) ?? -1 };
}

/** The measures of rows, for those that follow a run live. */
export const columnsOf = (rows: readonly StoredMetrics[]): Record<SeriesName, number[]> =>
  Object.fromEntries(
    seriesNames.map((name) => [name, rows.map((row) => finiteOrNaN(row[name] ?? Number.NaN))]),
  ) as Record<SeriesName, number[]>;

/** Infinity does not cross every transport; a chart draws both alike. */
const finiteOrNaN = (x: number): number => (Number.isFinite(x) ? x : Number.NaN);
