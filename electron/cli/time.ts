import { formatDuration, formatShort } from '../base/format.ts';
import type { TimeEstimate } from '../studio/time/estimate.ts';

/** For people: `≈ 41m on NVIDIA GeForce RTX 3060 12 GB (computed: 35m to 1h 12m), 9.1 k tokens/s`. */
export function describeTime({ seconds, lowSeconds, highSeconds, on, how, tokensPerSecond }: TimeEstimate): string {
  const range = how === 'computed' ? `: ${formatDuration(lowSeconds)} to ${formatDuration(highSeconds)}` : '';
  return `≈ ${formatDuration(seconds)} on ${on} (${how}${range}), ${formatShort(tokensPerSecond)} tokens/s`;
}
