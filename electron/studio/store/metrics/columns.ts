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
] as const;

export type MetricName = (typeof metricNames)[number];

export const metricNumber = (name: MetricName): number => {
  const position = metricNames.indexOf(name);
  if (position < 0) throw new RangeError(`no metric is called ${name}`);
  return position;
};

/** The measures of one step; what is left out or null is not known. NaN and infinities are kept as they are. */
export interface MetricsRow {
  /** Optimizer steps taken, this one included. */
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly loss?: number | null | undefined;
  readonly learningRate?: number | null | undefined;
  readonly gradNorm?: number | null | undefined;
  readonly tokensPerSecond?: number | null | undefined;
  readonly mfu?: number | null | undefined;
  readonly memoryBytes?: number | null | undefined;
  readonly lossScale?: number | null | undefined;
  readonly stepMs?: number | null | undefined;
  readonly tokensSeen?: number | null | undefined;
  /** 1 where the step's update was skipped because the gradient was not finite, else 0. */
  readonly skipped?: number | boolean | null | undefined;
}

/** A stored row: every measure is there, null where it is not known. */
export type StoredMetrics = { readonly step: number } & Readonly<Record<MetricName, number | null>>;
