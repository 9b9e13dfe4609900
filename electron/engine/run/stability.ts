import { plural } from '../../base/format.ts';
import type { Precision } from '../program/types.ts';
import type { RunConfig } from './config.ts';

/** Fewer losses than these say nothing about what is usual. */
const minHistory = 20;

/**
 * How far a loss lies above the median of the ones before it, in robust standard deviations (1.4826 × the median absolute
 * deviation; Iglewicz & Hoaglin 1993). A thousandth of the median is the least deviation, so that a flat curve has no spikes.
 */
export function robustZ(history: readonly number[], loss: number): number {
  const center = median(history);
  const deviation = 1.4826 * median(history.map((x) => Math.abs(x - center)));
  return (loss - center) / Math.max(deviation, 1e-3 * Math.abs(center), Number.MIN_VALUE);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** What the guards remember: part of a checkpoint, so that a resumed run decides as one that was never stopped. */
export interface GuardState {
  /** Losses of the latest good steps, the oldest first. */
  readonly recentLosses: readonly number[];
  /** Steps in a row whose gradient was not finite: their updates were skipped. */
  readonly skipsInARow: number;
  /** Losses in a row that were spikes. */
  readonly spikesInARow: number;
}

export const freshGuards: GuardState = { recentLosses: [], skipsInARow: 0, spikesInARow: 0 };

export type Verdict =
  | { readonly kind: 'good' | 'skip'; readonly state: GuardState }
  /** What was learnt can't be trusted: back to the last checkpoint, past the data that led here. */
  | { readonly kind: 'recover'; readonly reason: string };

export interface StepOutcome {
  readonly loss: number;
  readonly gradNorm: number;
  /** The device left the weights as they were, for the gradient was not finite. */
  readonly skipped: boolean;
  /** The loss was scaled, which alone may have made the gradient overflow: the next step has a smaller scale. */
  readonly scaled: boolean;
}

/** Judges a step by what it gave and what the steps before gave. */
export function judge(
  state: GuardState,
  { loss, gradNorm, skipped, scaled }: StepOutcome,
  guards: RunConfig['guards'],
): Verdict {
  if (skipped && scaled && Number.isFinite(loss)) return { kind: 'skip', state };
  if (skipped) {
    const skipsInARow = state.skipsInARow + 1;
    const reason = `the gradient was not finite ${plural(skipsInARow, 'time')} in a row (loss ${loss}, gradNorm ${gradNorm})`;
    if (skipsInARow >= guards.maxSkips) return { kind: 'recover', reason };
    return { kind: 'skip', state: { ...state, skipsInARow } };
  }
  if (!Number.isFinite(loss)) return { kind: 'recover', reason: `the loss is ${loss}` };
  const { recentLosses } = state;
  if (guards.spike > 0 && recentLosses.length >= Math.min(minHistory, guards.window)) {
    const z = robustZ(recentLosses, loss);
    const spikesInARow = state.spikesInARow + 1;
    if (z > guards.spike && spikesInARow < guards.spikeSteps) {
      return { kind: 'good', state: { ...state, skipsInARow: 0, spikesInARow } };
    }
    if (z > guards.spike) {
      const typical = median(recentLosses).toFixed(3);
      return {
        kind: 'recover',
        reason: `the loss jumped to ${loss.toFixed(3)} from about ${typical} and stayed (z ${z.toFixed(1)})`,
      };
    }
  }
  return {
    kind: 'good',
    state: { recentLosses: [...recentLosses, loss].slice(-guards.window), skipsInARow: 0, spikesInARow: 0 },
  };
}

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
