/** Summary of one measure over an interval of steps. */
export interface Bucket {
  /** First and last step of the interval, not of the values in it. */
  readonly fromStep: number;
  readonly toStep: number;
  /** Values in it, without NaN. */
  count: number;
  /** First step whose value is NaN. */
  nanStep: number | null;
  min: number;
  minStep: number;
  max: number;
  maxStep: number;
  sum: number;
}

export const emptyBucket = (fromStep: number, toStep: number): Bucket => ({
  fromStep,
  toStep,
  count: 0,
  nanStep: null,
  min: Number.POSITIVE_INFINITY,
  minStep: -1,
  max: Number.NEGATIVE_INFINITY,
  maxStep: -1,
  sum: 0,
});

/** Adds one value; values come in the order of their steps, and the first of equal extremes is kept. */
export function addValue(into: Bucket, step: number, value: number): void {
  if (Number.isNaN(value)) {
    into.nanStep ??= step;
    return;
  }
  if (into.count === 0 || value < into.min) {
    into.min = value;
    into.minStep = step;
  }
  if (into.count === 0 || value > into.max) {
    into.max = value;
    into.maxStep = step;
  }
  into.sum += value;
  into.count++;
}

/** Adds what a later interval holds. */
export function addBucket(into: Bucket, later: Readonly<Bucket>): void {
  into.nanStep ??= later.nanStep;
  if (later.count === 0) return;
  if (into.count === 0 || later.min < into.min) {
    into.min = later.min;
    into.minStep = later.minStep;
  }
  if (into.count === 0 || later.max > into.max) {
    into.max = later.max;
    into.maxStep = later.maxStep;
  }
  into.sum += later.sum;
  into.count += later.count;
}

export const isEmpty = (bucket: Readonly<Bucket>): boolean => bucket.count === 0 && bucket.nanStep === null;
