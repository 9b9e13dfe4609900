import type { Range } from './range.ts';

/** 1, 2 or 5 times a power of ten: the smallest such step with which `span` takes at most `count` steps. */
function niceStep(span: number, count: number): number {
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((f) => f * power >= rough * (1 - 1e-9)) ?? 10);
}

/**
 * Round values within a range, about `count` of them, all different.
 * @param whole only whole numbers, as steps and tokens are
 */
export function linearTicks({ min, max }: Range, count: number, whole = false): number[] {
  if (!(max > min)) return [min];
  const step = whole ? Math.max(1, niceStep(max - min, count)) : niceStep(max - min, count);
  const out: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++) out.push(+(i * step).toPrecision(12));
  return out;
}

/** Round values of a logarithmic axis: 1, 2 and 5 times the powers of ten, fewer or more where that fits the range. */
export function logTicks({ min, max }: Range, count: number): number[] {
  if (!(min > 0 && max > min)) return [min];
  const decades = Math.log10(max / min);
  if (decades < 1) return linearTicks({ min, max }, count).filter((v) => v > 0);
  const factors = decades * 3 <= count ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / count));
  const out: number[] = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
    if (power % every !== 0) continue;
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      if (value >= min * (1 - 1e-9) && value <= max * (1 + 1e-9)) out.push(value);
    }
  }
  return out;
}

/**
 * The labels of ticks by the first of some formats, the shortest first, that tells them apart; undefined when none does.
 * @param others values that the labels have to be told from as well
 */
export function distinctLabels(
  ticks: readonly number[],
  formats: readonly ((v: number) => string)[],
  others: readonly number[] = [],
): string[] | undefined {
  const apart = [...ticks, ...others.filter((v) => !ticks.includes(v))];
  for (const format of formats) {
    if (new Set(apart.map(format)).size === apart.length) return ticks.map(format);
  }
  return undefined;
}

export interface Axis extends Range {
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

/**
 * Ticks and labels of an axis. A range whose ticks no format can tell apart is finer than what people read: it is made wider
 * until they differ, so that the noise of a constant is not blown up to the height of the picture.
 */
export function axisOf(
  range: Range,
  formats: readonly ((v: number) => string)[],
  {
    count,
    whole = false,
    log = false,
    bytes = false,
  }: { count: number; whole?: boolean; log?: boolean; bytes?: boolean },
): Axis {
  let { min, max } = range;
  // A double has 1,074 binary places: wider than all values it is long before that.
  for (let tries = 0; ; tries++) {
    // Bytes are round in the unit that they are written in.
    const unit = bytes && max > 0 ? 1024 ** Math.floor(Math.log2(max) / 10) : 1;
    const ticks = log
      ? logTicks({ min, max }, count)
      : linearTicks({ min: min / unit, max: max / unit }, count, whole).map((t) => t * unit);
    // One tick has no neighbor whose label would show that its own is rounded.
    const labels = distinctLabels(ticks, formats, ticks.length === 1 && max > min ? [min, max] : []);
    if (labels) return { min, max, ticks: ticks.map((value, i) => ({ value, label: labels[i]! })) };
    if (tries > 200) return { min, max, ticks: [] };
    const room = (max - min) / 2;
    const lower = min >= 0 ? Math.max(0, min - room) : min - room;
    [min, max] = [log ? Math.max(min / 1.1, Number.MIN_VALUE) : lower, max + room];
  }
}
