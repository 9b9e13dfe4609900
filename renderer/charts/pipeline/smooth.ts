import type { Line } from './types.ts';

/**
 * An exponential moving average without the bias of its begin (Kingma & Ba 2015, section 3), as dashboards draw it. The
 * weight is per step: points that are further apart, as decimated ones are, forget more. NaN stays, and is not remembered.
 * @param weight of what was before, from 0 (nothing is smoothed) to below 1
 * @param spacing the distance in x over which `weight` is kept: that of neighbouring points before decimation
 */
export function smooth({ x, y }: Line, weight: number, spacing = 1): Line {
  if (weight <= 0) return { x, y };
  let [sum, norm, last] = [0, 0, Number.NaN];
  const smoothed = y.map((value, i) => {
    if (Number.isNaN(value)) return value;
    const apart = Number.isNaN(last) ? 1 : Math.max(1, (x[i]! - last) / spacing);
    last = x[i]!;
    const keep = weight ** apart;
    sum = keep * sum + (1 - keep) * value;
    norm = keep * norm + (1 - keep);
    return sum / norm;
  });
  return { x, y: smoothed };
}
