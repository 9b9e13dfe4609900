import type { Range } from './range.ts';
import type { AxisKind, Line } from './types.ts';

/** What steps are in tokens and in time. */
export interface Scale {
  readonly tokensPerStep: number;
  /** Steps and when they were trained, milliseconds since 1970, rising. */
  readonly times: Line;
}

/** The value of a line at x: between its points in proportion, beyond its ends as at them. */
export function interpolate({ x, y }: Line, at: number): number {
  if (x.length === 0) return Number.NaN;
  let [low, high] = [0, x.length - 1];
  if (at <= x[low]!) return y[low]!;
  if (at >= x[high]!) return y[high]!;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (x[middle]! <= at) low = middle;
    else high = middle;
  }
  const part = (at - x[low]!) / (x[high]! - x[low]!);
  return y[low]! + part * (y[high]! - y[low]!);
}

/**
 * Hours of training at each of the times: what lies between the end of one session and the begin of the next does not
 * count, so that two runs compare whether or not one was paused.
 * @param longestGapMs a longer time without a step is a pause
 */
export function trainingHours(times: Line, longestGapMs = 60_000): Line {
  let hours = 0;
  // What is decimated has longer gaps between its points: twenty usual ones are a pause.
  const gaps = times.y.slice(1).map((t, i) => t - times.y[i]!);
  const defaults = [...gaps].sort((a, b) => a - b)[gaps.length >> 1] ?? 0;
  const longest = Math.max(longestGapMs, 20 * defaults);
  const y = times.y.map((t, i) => {
    const gap = i === 0 ? 0 : t - times.y[i - 1]!;
    if (gap > 0 && gap <= longest) hours += gap / 3_600_000;
    return hours;
  });
  return { x: times.x, y };
}

/** A line over steps on another axis: steps, tokens, or hours of training. */
export function onAxis(line: Line, axis: AxisKind, scale: Scale): Line {
  if (axis === 'step') return line;
  if (axis === 'tokens') return { x: line.x.map((step) => step * scale.tokensPerStep), y: line.y };
  const hours = trainingHours(scale.times);
  return { x: line.x.map((step) => interpolate(hours, step)), y: line.y };
}

/** The steps that a part of an axis stands for, whole ones, both included: what to ask for when it is zoomed into. */
export function stepsWithin({ min, max }: Range, axis: AxisKind, scale: Scale): { from: number; to: number } {
  const at = (x: number): number => {
    if (axis === 'step') return x;
    if (axis === 'tokens') return x / scale.tokensPerStep;
    const hours = trainingHours(scale.times);
    return interpolate({ x: hours.y, y: hours.x }, x);
  };
  return { from: Math.max(0, Math.floor(at(min))), to: Math.max(0, Math.ceil(at(max))) };
}
