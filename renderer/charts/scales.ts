import type { ChartOptions } from 'chart.js';
import type { Axis } from './pipeline/index.ts';

/** Charts above each other begin at the same place, and a label that needs more has more. Pixels. */
const minAxisWidth = 64;

/** Chart.js's own ticks take the place of ours only where ours are none. */
const ticksOf = (axis: Axis | undefined) => (scale: { ticks: { value: number }[] }) =>
  void (scale.ticks = (axis?.ticks ?? []).map(({ value }) => ({ value })));

const labelOf = (axis: Axis | undefined) => (value: number | string) =>
  axis?.ticks.find((t) => t.value === value)?.label ?? '';

/** Two axes with ticks that were worked out already. */
export const scalesOf = (
  x: Axis,
  y: Axis | undefined,
  {
    name,
    log,
    text,
    grid,
  }: {
    /** What x is: a picture on its own says it. */
    readonly name: string;
    readonly log: boolean;
    readonly text: string;
    readonly grid: string;
  },
): NonNullable<ChartOptions<'line'>['scales']> => ({
  x: {
    type: 'linear',
    min: x.min,
    max: x.max,
    ticks: { color: text, maxRotation: 0, callback: labelOf(x) },
    afterBuildTicks: ticksOf(x),
    grid: { color: grid },
    title: { display: true, text: name, align: 'end', color: text, padding: 0, font: { size: 11 } },
  },
  y: {
    type: log && y ? 'logarithmic' : 'linear',
    min: y?.min ?? 0,
    max: y?.max ?? 1,
    ticks: { color: text, autoSkip: false, callback: labelOf(y) },
    afterBuildTicks: ticksOf(y),
    grid: { color: grid },
    afterFit: (scale) => void (scale.width = Math.max(minAxisWidth, scale.width)),
  },
});
