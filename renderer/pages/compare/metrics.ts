import type { SeriesName } from '../../../electron/api/types.ts';
import { chartText } from '../../charts/text.ts';
import { bestLossOf, type LossUnit } from '../../charts/units.ts';
import { formatBytes, formatDuration, formatPercent, formatShort } from '../../format.ts';
import type { Compared } from './compared.ts';

/** What runs can be compared by. */
export const metricNames = [
  ...(['valLoss', 'loss', 'hellaswag', 'tokens', 'tokensPerSecond', 'time'] as const),
  ...(['gpuUtilization', 'gpuTemperature', 'gpuPower', 'gpuMemoryBytes'] as const),
  ...(['cpuUtilization', 'cpuTemperature', 'cpuPower', 'machineMemoryBytes'] as const),
] as const;
export type MetricName = (typeof metricNames)[number];

interface Metric {
  /** Null: not known, or not to be compared. */
  readonly value: (run: Compared, unit: LossUnit) => number | null;
  readonly format: (value: number, unit: LossUnit) => string;
  /** Machine or GPU reports it, where it can. */
  readonly isOfSystem?: boolean;
}

const loss = (value: number, unit: LossUnit): string =>
  `${value.toFixed(4)} ${unit === 'token' ? chartText.perToken : chartText.perByte}`;

/** The last evaluation over the most items. */
function hellaswagOf({ details }: Compared): number | null {
  const all = details.evals.filter((e) => e.kind === 'hellaswag');
  const last = Math.max(...all.map((e) => e.step));
  const items = (dataset: string) => parseInt(dataset);
  const [largest] = all.filter((e) => e.step === last).sort((a, b) => items(b.dataset) - items(a.dataset));
  return largest?.value ?? null;
}

/** Over all of a run. */
const meanOf =
  (name: SeriesName) =>
  ({ series }: Compared): number | null => {
    const values = series?.means[name].values.filter((v) => !Number.isNaN(v)) ?? [];
    return values.length === 0 ? null : values.reduce((a, b) => a + b) / values.length;
  };

const maxOf =
  (name: SeriesName) =>
  ({ series }: Compared): number | null => {
    const values = series?.measures[name].values.filter((v) => !Number.isNaN(v)) ?? [];
    return values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b));
  };

const celsius = (value: number): string => `${value.toFixed(1)} °C`;
const watts = (value: number): string => `${value.toFixed(1)} W`;

export const metrics: Readonly<Record<MetricName, Metric>> = {
  valLoss: { value: ({ run }, unit) => bestLossOf(run, unit), format: loss },
  // Losses per token of two tokenizers are not compared.
  loss: { value: ({ run }, unit) => (unit === 'token' ? run.lastLoss : null), format: loss },
  hellaswag: { value: hellaswagOf, format: formatPercent },
  tokens: { value: ({ run }) => run.tokensSeen, format: (n) => formatShort(n) },
  tokensPerSecond: { value: meanOf('tokensPerSecond'), format: (n) => formatShort(n) },
  time: { value: ({ run }) => run.trainedMs, format: (ms) => formatDuration(ms / 1000) },
  gpuUtilization: { value: meanOf('gpuUtilization'), format: formatPercent, isOfSystem: true },
  gpuTemperature: { value: maxOf('gpuTemperature'), format: celsius, isOfSystem: true },
  gpuPower: { value: meanOf('gpuPower'), format: watts, isOfSystem: true },
  gpuMemoryBytes: { value: maxOf('gpuMemoryBytes'), format: (n) => formatBytes(n), isOfSystem: true },
  cpuUtilization: { value: meanOf('cpuUtilization'), format: formatPercent, isOfSystem: true },
  cpuTemperature: { value: maxOf('cpuTemperature'), format: celsius, isOfSystem: true },
  cpuPower: { value: meanOf('cpuPower'), format: watts, isOfSystem: true },
  machineMemoryBytes: { value: maxOf('machineMemoryBytes'), format: (n) => formatBytes(n), isOfSystem: true },
};

/** What can be chosen for some runs: what machines and GPUs report, where one of these runs has it. @param chosen stays */
export const metricsFor = (runs: readonly Compared[], chosen: MetricName): readonly MetricName[] =>
  metricNames.filter((name) => {
    const { isOfSystem = false, value } = metrics[name];
    return !isOfSystem || name === chosen || runs.some((run) => value(run, 'token') !== null);
  });

/** A difference with its sign: `−0.3607 bits/byte`. Empty where one of them is not known. */
export function differenceOf(name: MetricName, value: number | null, base: number | null, unit: LossUnit): string {
  if (value === null || base === null || Number.isNaN(value - base)) return '';
  return `${value >= base ? '+' : '−'}${metrics[name].format(Math.abs(value - base), unit)}`;
}

export interface Summary {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

/** Of the values that are known; undefined where none is. */
export function summaryOf(values: readonly (number | null)[]): Summary | undefined {
  const known = values.filter((v): v is number => v !== null && Number.isFinite(v));
  if (known.length === 0) return undefined;
  return {
    mean: known.reduce((a, b) => a + b) / known.length,
    min: Math.min(...known),
    max: Math.max(...known),
  };
}
