/**
 * The measures of a step. A name's position is its number in the roll-ups of every existing database:
 * new names go to the end, none is moved or removed.
 */
export const metricNames = [
  'loss',
  'learningRate',
  'gradNorm',
  'tokensPerSecond',
  'mfu',
  'memoryBytes',
  'lossScale',
  'stepMs',
  'tokensSeen',
  'time',
  'skipped',
  'cpuUtilization',
  'cpuTemperature',
  'cpuPower',
  'machineMemoryBytes',
  'gpuUtilization',
  'gpuTemperature',
  'gpuPower',
  'gpuMemoryBytes',
] as const;

export type MetricName = (typeof metricNames)[number];

export const metricNumber = (name: MetricName): number => {
  const position = metricNames.indexOf(name);
  if (position < 0) throw new RangeError(`no metric is called ${name}`);
  return position;
};

/** The measures of one step; what is left out or null is not known. NaN and infinities are kept as they are. */
export type MetricsRow = {
  /** Optimizer steps taken, this one included. */
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** 1 where the step's update was skipped because the gradient was not finite, else 0. */
  readonly skipped?: number | boolean | null | undefined;
} & { readonly [Name in Exclude<MetricName, 'time' | 'skipped'>]?: number | null | undefined };

/** A stored row: every measure is there, null where it is not known. */
export type StoredMetrics = { readonly step: number } & Readonly<Record<MetricName, number | null>>;
