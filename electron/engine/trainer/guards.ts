import { plural } from '../../format.ts';
import type { RunConfig } from '../config.ts';

/** Fewer losses than these say nothing about what is usual. */
const leastHistory = 20;

/**
 * How far a loss lies above the median of the ones before it, in robust standard deviations (1.4826 × the median absolute
 * deviation; Iglewicz & Hoaglin 1993). A thousandth of the median is the least deviation, so that a flat curve has no spikes.
 */
export function robustZ(history: readonly number[], loss: number): number {
  const centre = median(history);
  const deviation = 1.4826 * median(history.map((x) => Math.abs(x - centre)));
  return (loss - centre) / Math.max(deviation, 1e-3 * Math.abs(centre), Number.MIN_VALUE);
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
  if (guards.spike > 0 && recentLosses.length >= Math.min(leastHistory, guards.window)) {
    const z = robustZ(recentLosses, loss);
    const spikesInARow = state.spikesInARow + 1;
    if (z > guards.spike && spikesInARow < guards.spikeSteps) {
      return { kind: 'good', state: { ...state, skipsInARow: 0, spikesInARow } };
    }
    if (z > guards.spike) {
      const usual = median(recentLosses).toFixed(3);
      return {
        kind: 'recover',
        reason: `the loss jumped to ${loss.toFixed(3)} from about ${usual} and stayed (z ${z.toFixed(1)})`,
      };
    }
  }
  return {
    kind: 'good',
    state: { recentLosses: [...recentLosses, loss].slice(-guards.window), skipsInARow: 0, spikesInARow: 0 },
  };
}
