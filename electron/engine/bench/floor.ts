import type { Gpu } from '../fit/gpus.ts';
import { callCost } from '../program/cost.ts';
import type { Precision, Program } from '../program/types.ts';

/** The least time that calls of one kind can take on a GPU. */
export interface OpFloor {
  readonly kind: string;
  readonly calls: number;
  readonly flops: number;
  readonly bytes: number;
  readonly seconds: number;
  /** What sets it: arithmetic, or memory. */
  readonly bound: 'arithmetic' | 'memory';
}

/** Kinds whose arithmetic is matrix products, which tensor cores take. */
const products = new Set([
  ...['linear', 'linearGeluTanh', 'linearBackwardInput', 'linearBackwardWeight', 'attention', 'attentionBackward'],
  ...['head', 'headCrossEntropy', 'headCrossEntropyGrad'],
]);

/** The most that a GPU's data sheet promises for a kind of call, FLOP/s. */
export function peakOfKind(kind: string, precision: Precision, { f16Tflops, f32Tflops }: Gpu): number {
  return (products.has(kind) && precision !== 'f32' ? f16Tflops : f32Tflops) * 1e12;
}

/** The roofline (Williams et al. 2009): the time for the arithmetic or for the bytes, whichever is longer. */
export const floorSeconds = (flops: number, bytes: number, peak: number, { bandwidthGBs }: Gpu): number =>
  Math.max(flops / peak, bytes / (bandwidthGBs * 1e9));

/**
 * The floor of programs on a GPU, by kind of call, the longest first: each call's FLOPs and bytes, as its op declares
 * them, against the data sheet.
 * @param runs how often each program is run
 */
export function floorOf(runs: ReadonlyMap<Program, number>, gpu: Gpu): OpFloor[] {
  const kinds = new Map<string, OpFloor>();
  for (const [program, times] of runs) {
    for (const call of program.calls) {
      const { flops, bytes } = callCost(call);
      const peak = peakOfKind(call.kind, call.precision, gpu);
      const old = kinds.get(call.kind) ?? { calls: 0, flops: 0, bytes: 0, seconds: 0 };
      const sum = {
        kind: call.kind,
        calls: old.calls + times,
        flops: old.flops + times * flops,
        bytes: old.bytes + times * bytes,
        seconds: old.seconds + times * floorSeconds(flops, bytes, peak, gpu),
      };
      kinds.set(call.kind, {
        ...sum,
        bound: sum.flops / peak > sum.bytes / (gpu.bandwidthGBs * 1e9) ? 'arithmetic' : 'memory',
      });
    }
  }
  return [...kinds.values()].sort((a, b) => b.seconds - a.seconds);
}
