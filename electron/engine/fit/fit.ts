import { checkModelConfig, type ModelConfig } from '../models/index.ts';
import { defaultNumbers, defaultOptimizer, type LowBitStates, type OptimizerKind } from '../optimizers/index.ts';
import type { Plan } from '../program/planner.ts';
import type { Recompute } from '../program/recorder.ts';
import type { Precision } from '../program/types.ts';
import { RunPrograms } from '../run/programs.ts';
import { finish, type Steps } from './steps.ts';

/** What decides the memory of a run. */
export interface FitConfig {
  readonly model: ModelConfig;
  readonly batch: number;
  /** Default: `f32`. */
  readonly precision?: Precision;
  readonly recompute: Recompute;
  /** Default: `defaultOptimizer`. */
  readonly optimizer?: OptimizerKind;
  /** What a low-bit one does beside its paper's formula. Default: `stable`. */
  readonly lowBitStates?: LowBitStates;
}

/** Samples of the usual length. */
const sampling = { every: 0, prompts: ['\n'], tokens: 120, temperature: 1, topK: 0 };

/** The plan of a run: exactly what a device allocates for its training, its evaluations and its samples. */
export function fit(config: FitConfig): Plan {
  checkModelConfig(config.model);
  // Its numbers don't change the plan.
  const { optimizer: kind = defaultOptimizer, lowBitStates = 'stable' } = config;
  const optimizer = { ...defaultNumbers, kind, lowBitStates };
  return new RunPrograms({ precision: 'f32', ...config, optimizer, sampling }).plan;
}

export type Dimension = 'layers' | 'context' | 'batch';

const max: Record<Dimension, number> = { layers: 1024, context: 65536, batch: 65536 };

/** A config with one dimension changed. */
export function withDimension(config: FitConfig, dimension: Dimension, value: number): FitConfig {
  switch (dimension) {
    case 'layers':
      return { ...config, model: { ...config.model, nLayer: value } };
    case 'context':
      return { ...config, model: { ...config.model, contextLength: value } };
    case 'batch':
      return { ...config, batch: value };
  }
}

/**
 * The largest value of a dimension whose plan takes at most `bytes`; a context is a multiple of 64 where it is 64 or more.
 * Memory grows with every dimension, so the answer is found by doubling, then halving.
 * @param hostBytes what the host has for what is paged
 * @returns 0 when not even 1 fits
 */
export function* largestSteps(
  config: FitConfig,
  dimension: Dimension,
  bytes: number,
  hostBytes = Number.POSITIVE_INFINITY,
): Steps<number> {
  const fits = function* (value: number): Steps<boolean> {
    yield;
    const plan = fit(withDimension(config, dimension, value));
    return plan.totalBytes <= bytes && plan.hostBytes <= hostBytes;
  };
  if (!(yield* fits(1))) return 0;
  let low = 1;
  while (low * 2 <= max[dimension] && (yield* fits(low * 2))) low *= 2;
  let high = Math.min(low * 2, max[dimension] + 1);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (yield* fits(middle)) low = middle;
    else high = middle;
  }
  return dimension === 'context' && low >= 64 ? low - (low % 64) : low;
}

/** See `largestSteps`. */
export const largestThatFits = (...asked: Parameters<typeof largestSteps>): number => finish(largestSteps(...asked));
