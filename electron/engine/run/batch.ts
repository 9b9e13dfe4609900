import { type MixPart, sourceName } from '../../data/sampling/mix.ts';
import { hashOf } from '../../data/sampling/permutation.ts';
import type { RunConfig } from './config.ts';
import { learningRateAt, type ScheduledPhase, settingsAt } from './schedule.ts';
import type { TrainerState } from './state.ts';

/** The next sequences of each source, by `sourceName`. */
export type Positions = Readonly<Record<string, number>>;

/** A training sequence: the n-th of a source. */
export interface SampledSequence {
  readonly source: MixPart;
  readonly n: number;
}

/** Sequences that were taken from all sources. */
export const sampledBefore = (positions: Positions): number => Object.values(positions).reduce((a, b) => a + b, 0);

/** 2³² over the golden ratio, made odd. */
const golden = 0x9e3779b9;

/**
 * The next training sequences of a mix: of each source those that follow what was taken from it before. Which source is
 * next depends on the seed and the number of sequences taken before, on nothing else, so that a run goes on as if it had
 * not been stopped. Multiples of the golden ratio fall evenly into the shares of the sources: after any number of
 * sequences each has had its part, give or take a few.
 */
export function draw(
  mix: readonly MixPart[],
  positions: Positions,
  count: number,
  seed: number,
): { readonly sequences: SampledSequence[]; readonly positions: Positions } {
  const sum = mix.reduce((n, { weight }) => n + weight, 0);
  const before = sampledBefore(positions);
  const begin = hashOf(seed);
  const after: Record<string, number> = { ...positions };
  const sequences = Array.from({ length: count }, (_, i): SampledSequence => {
    const at = (((Math.imul(before + i, golden) + begin) >>> 0) / 2 ** 32) * sum;
    const source = sourceAt(mix, at);
    const name = sourceName(source);
    const n = after[name] ?? 0;
    after[name] = n + 1;
    return { source, n };
  });
  return { sequences, positions: after };
}

/** The part of a mix on which a place in the sum of its weights falls. */
function sourceAt(mix: readonly MixPart[], at: number): MixPart {
  let end = 0;
  for (const part of mix) {
    end += part.weight;
    if (at < end) return part;
  }
  return mix.at(-1)!;
}

/** All that an optimizer step is made from, beside weights and states. */
export interface Batch {
  readonly learningRate: number;
  /** Which update it is, from 1. */
  readonly update: number;
  readonly lossScale: number;
  /** In their order; as many as a step has. */
  readonly sequences: readonly SampledSequence[];
  /** Sequences that the run took before. */
  readonly sampled: number;
  /** How far the data is behind it. */
  readonly positions: Positions;
}

/** What the next step of a state is made from. */
export function nextBatch(
  config: RunConfig,
  phases: readonly ScheduledPhase[],
  { step, updates, sequences: before, lossScale }: Pick<TrainerState, 'step' | 'updates' | 'sequences' | 'lossScale'>,
): Batch {
  const { mix } = settingsAt(config, phases, step);
  const count = config.tokensPerStep / config.model.contextLength;
  return {
    learningRate: learningRateAt(phases, step),
    update: updates + 1,
    lossScale: lossScale.scale,
    sampled: sampledBefore(before),
    ...draw(mix, before, count, config.seed),
  };
}
