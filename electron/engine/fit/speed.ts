import { floorOf } from '../bench/floor.ts';
import { Model } from '../models/programs.ts';
import { defaultNumbers } from '../optimizers/index.ts';
import { programCost } from '../program/cost.ts';
import type { Precision, Program } from '../program/types.ts';
import type { FitConfig } from './fit.ts';
import type { Rates } from './gpus.ts';

/** How many times as long as its floor (`engine/bench/floor.ts`) a step takes. */
export interface Slowdown {
  readonly low: number;
  readonly likely: number;
  readonly high: number;
}

/** How fast a device is known to be before anything is timed on it. */
export interface KnownSpeed {
  /** What times that are measured on it are kept under: the device and all that decides its speed. */
  readonly key: string;
  /** For people. */
  readonly name: string;
  /** What it does at most; absent: only timing tells. */
  readonly rates?: Rates;
  readonly slowdown: Slowdown;
  /** Seconds that starting one call takes. */
  readonly callSeconds: number;
}

/**
 * Published steps of llm.c, which trains the same models, took 1.5 to 2 times their floor on an A100 and an H100: see
 * docs/guide/memory.md. A consumer's board throttles and has less cache, so more is left open upwards.
 */
export const gpuSlowdown: Slowdown = { low: 1.4, likely: 1.7, high: 3 };

/** What GPUs train fastest in without a scale of the loss. */
export const gpuRecipePrecision: Precision = 'bf16';

/** A CUDA graph starts a kernel in about so long. */
export const gpuCallSeconds = 3e-6;

/** Seconds of what a run does over and over. */
export interface StepTimes {
  /** Forward and backward of one micro-batch. */
  readonly microSeconds: number;
  /** Clipping and the optimizer. */
  readonly updateSeconds: number;
  /** Forward of one sequence, as an evaluation takes it. */
  readonly forwardSeconds: number;
}

/** Times of a step with what they may be instead. */
export interface TimesRange {
  readonly low: StepTimes;
  readonly likely: StepTimes;
  readonly high: StepTimes;
}

const programsOf = ({ model: config, precision = 'f32', ...settings }: FitConfig) => {
  const model = new Model(config, precision);
  const time = config.contextLength;
  const { first, further, update } = model.training({ ...defaultNumbers, ...settings, time });
  return { first, further, update, evaluation: model.evaluation(1, time).program };
};

/**
 * What the cost model says of a step: the floor of each of its programs, times how much longer devices take.
 * @param tf32 whether tensor cores take float32 products
 * @returns undefined where nothing is known of the device's rates
 */
export function computedTimes(config: FitConfig, speed: KnownSpeed, tf32 = false): TimesRange | undefined {
  const { rates, slowdown, callSeconds } = speed;
  if (!rates) return undefined;
  const { further, update, evaluation } = programsOf(config);
  const floor = (program: Program): number =>
    floorOf(new Map([[program, 1]]), rates, tf32).reduce((sum, op) => sum + op.seconds, 0);
  const floors = { micro: floor(further), update: floor(update), forward: floor(evaluation) };
  const times = (factor: number): StepTimes => ({
    microSeconds: factor * floors.micro + callSeconds * further.calls.length,
    updateSeconds: factor * floors.update + callSeconds * update.calls.length,
    forwardSeconds: factor * floors.forward + callSeconds * evaluation.calls.length,
  });
  return { low: times(slowdown.low), likely: times(slowdown.likely), high: times(slowdown.high) };
}

/** What part of a micro-batch's work the forward pass of one sequence is. */
export function forwardShare(config: FitConfig): number {
  const { further, evaluation } = programsOf(config);
  return programCost(evaluation).flops / programCost(further).flops;
}
