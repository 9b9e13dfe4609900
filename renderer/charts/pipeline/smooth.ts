import type { Line } from './types.ts';

/**
 * An exponential moving average without the bias of its begin (Kingma & Ba 2015, section 3), as dashboards draw it. The
 * weight is per distance: points that are further apart forget more, and points that lie closer count less, so that a curve is
 * the same however finely a part of it is known. NaN stays, and is not remembered.
 * @param weight of what was before, from 0 (nothing is smoothed) to below 1
 * @param spacing the distance in x over which `weight` is kept
 */
export function smooth({ x, y }: Line, weight: number, spacing = 1): Line {
  if (weight <= 0) return { x, y };
  let [sum, norm, last] = [0, 0, Number.NaN];
  const smoothed = y.map((value, i) => {
    if (!Number.isFinite(value)) return Number.NaN;
    const distance = (x[i]! - last) / spacing;
    const apart = distance > 0 ? distance : 1;
    last = x[i]!;
    const keep = weight ** apart;
    sum = keep * sum + (1 - keep) * value;
    norm = keep * norm + (1 - keep);
    return sum / norm;
  });
  return { x, y: smoothed };
}

/**
 * The distance over which a smoothing weight is kept: that of most neighbors. What is measured every few seconds, and not at
 * every step, would else not be smoothed at all.
 * @param min where points lie closer, or there are none
 */
export function spacingOf({ x }: Line, min: number): number {
  if (x.length < 2) return min;
  const distances = Float64Array.from({ length: x.length - 1 }, (_, i) => x[i + 1]! - x[i]!).sort();
  return Math.max(min, distances[distances.length >> 1]!);
}
