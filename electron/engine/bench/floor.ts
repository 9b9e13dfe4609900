import { peakFlops, type Rates } from '../fit/gpus.ts';
import type { FitConfig } from '../fit/fit.ts';
import { Model } from '../models/programs.ts';
import { defaultNumbers } from '../optimizers/index.ts';
import { callCost } from '../program/cost.ts';
import { modelFlopsPerToken } from '../models/index.ts';
import { opOf } from '../program/declare.ts';
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

/** The most that a GPU's data sheet promises for a kind of call, FLOP/s. */
export const peakOfKind = (kind: string, precision: Precision, gpu: Rates, tf32 = false): number =>
  peakFlops(gpu, precision, { tf32, multipliesMatrices: opOf(kind).multipliesMatrices });

/** The roofline (Williams et al. 2009): the time for the arithmetic or for the bytes, whichever is longer. */
export const floorSeconds = (flops: number, bytes: number, peak: number, { bandwidthGBs }: Rates): number =>
  Math.max(flops / peak, bytes / (bandwidthGBs * 1e9));

/**
 * The floor of programs on a GPU, by kind of call, the longest first: each call's FLOPs and bytes, as its op declares
 * them, against the data sheet.
 * @param runs how often each program is run
 * @param tf32 whether tensor cores take float32 products
 */
export function floorOf(runs: ReadonlyMap<Program, number>, gpu: Rates, tf32 = false): OpFloor[] {
  const kinds = new Map<string, OpFloor>();
  for (const [program, times] of runs) {
    for (const call of program.calls) {
      const { flops, bytes } = callCost(call);
      const peak = peakOfKind(call.kind, call.precision, gpu, tf32);
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

/** A training step whose floor is asked for. */
export interface FlooredStep extends Required<FitConfig> {
  /** A multiple of batch × context. */
  readonly tokensPerStep: number;
}

/** The least time of a whole training step on a GPU. */
export interface StepFloor {
  readonly seconds: number;
  readonly tokensPerSecond: number;
  /** Of all ops. */
  readonly flops: number;
  readonly bytes: number;
  /** As the literature counts them: `modelFlopsPerToken`. */
  readonly modelFlops: number;
  /** Of its matrix products, FLOP/s. */
  readonly peak: number;
  /** What the model FLOPs in that time are of the peak; it can pass 1, as they count attention without its mask. */
  readonly mfu: number;
  /** The longest first. */
  readonly ops: readonly OpFloor[];
}

/** The floor of a training step: its micro-batches, clipping and the optimizer, one after another. */
export function stepFloor(step: FlooredStep, gpu: Rates, tf32 = false): StepFloor {
  const { model, batch, precision, optimizer, recompute, tokensPerStep } = step;
  const time = model.contextLength;
  const settings = { ...defaultNumbers, optimizer, batch, time, recompute };
  const { first, further, update } = new Model(model, precision).training(settings);
  const runs = new Map([
    [first, 1],
    [further, tokensPerStep / (batch * time) - 1],
    [update, 1],
  ]);
  const ops = floorOf(runs, gpu, tf32);
  const sum = (key: 'seconds' | 'flops' | 'bytes') => ops.reduce((all, o) => all + o[key], 0);
  const [seconds, peak] = [sum('seconds'), peakFlops(gpu, precision, { tf32 })];
  const modelFlops = tokensPerStep * modelFlopsPerToken(model, time);
  return {
    seconds,
    tokensPerSecond: tokensPerStep / seconds,
    flops: sum('flops'),
    bytes: sum('bytes'),
    modelFlops,
    peak,
    mfu: modelFlops / seconds / peak,
    ops,
  };
}
