import type { Precision } from '../program/types.ts';

/**
 * Dynamic loss scaling (Micikevicius et al. 2018), with the numbers of PyTorch's GradScaler: the loss is multiplied by
 * `scale` so that small gradients do not vanish in float16, and the gradient divided by it before it is used.
 */
export interface LossScale {
  readonly scale: number;
  /** Steps in a row since the scale was changed whose gradient was finite. */
  readonly goodSteps: number;
}

const initialScale = 65536;
const growthInterval = 2000;

/** bfloat16 has float32's range: nothing vanishes there. */
export const initialLossScale = (precision: Precision): LossScale => ({
  scale: precision === 'f16' ? initialScale : 1,
  goodSteps: 0,
});

/** The scale for the step after one: halved when its gradient overflowed, doubled after 2000 that did not. */
export function nextLossScale({ scale, goodSteps }: LossScale, precision: Precision, overflowed: boolean): LossScale {
  if (precision !== 'f16') return { scale, goodSteps };
  if (overflowed) return { scale: scale / 2, goodSteps: 0 };
  return goodSteps + 1 === growthInterval ? { scale: scale * 2, goodSteps: 0 } : { scale, goodSteps: goodSteps + 1 };
}
