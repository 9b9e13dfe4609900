/** Configs for a run like another one: each changes what its name says, and nothing else. */
import type { Phase, PhaseView, RunConfig } from '../../../electron/api/types.ts';

const short = (rate: number): number => Number(rate.toPrecision(4));

/** The highest learning rate of all phases. */
export const peakRate = ({ phases }: Pick<RunConfig, 'phases'>): number =>
  Math.max(...phases.flatMap(({ from, to }) => [from, to]));

/** All learning rates halved: what helps first where a loss diverges. */
export const withHalvedRates = (config: RunConfig): RunConfig => ({
  ...config,
  phases: config.phases.map((phase) => ({ ...phase, from: short(phase.from / 2), to: short(phase.to / 2) })),
});

/** The largest divisor that is at most half of a batch: tokens per step stay a multiple of it. */
function halfOf(batch: number): number {
  for (let half = batch >> 1; half > 1; half--) if (batch % half === 0) return half;
  return 1;
}

/** Smaller micro-batches, with as many tokens per step; undefined where there are no smaller ones. */
export function withSmallerBatch(config: RunConfig): RunConfig | undefined {
  if (config.batch === 1 && config.phases.every(({ batch = 1 }) => batch === 1)) return undefined;
  return {
    ...config,
    batch: halfOf(config.batch),
    phases: config.phases.map((phase) =>
      phase.batch === undefined ? phase : { ...phase, batch: halfOf(phase.batch) },
    ),
  };
}

/** More activation checkpointing; undefined where there is no more. @param policies from the least memory saved to the most */
export function withMoreRecompute(config: RunConfig, policies: readonly string[]): RunConfig | undefined {
  const next = policies[policies.indexOf(config.recompute) + 1];
  return next === undefined ? undefined : { ...config, recompute: next as RunConfig['recompute'] };
}

function withoutSources(phase: Phase): Phase {
  const { dataset: _, subset: __, mix: ___, wait: ____, ...rest } = phase;
  return rest;
}

/** Without any data: it is to be chosen. @param none stands for a dataset that is not chosen */
export function withoutData(config: RunConfig, none: string): RunConfig {
  const { mix: _, subset: __, ...rest } = config;
  return { ...rest, dataset: none, phases: config.phases.map(withoutSources) } as RunConfig;
}

/** The rate of a phase after a part of it. See the schedule's own formula, which counts whole steps. */
function rateAfter({ kind, from, to }: Phase, part: number): number {
  if (kind === 'cosine') return short(to + 0.5 * (from - to) * (1 + Math.cos(Math.PI * part)));
  return short(from + (to - from) * part);
}

/** The phases that are left after a step; the one in training starts at the rate that it had reached. */
const phasesLeft = (phases: readonly PhaseView[], step: number): Phase[] =>
  phases.flatMap(({ phase, start, steps, length }): Phase[] => {
    const done = step - start;
    if (done >= steps) return [];
    if (done <= 0) return [phase];
    const { steps: _, tokens: __, endAfter: ___, ...rest } = phase;
    const left = { ...rest, steps: length - done, from: rateAfter(phase, done / length) };
    return [steps < length ? { ...left, endAfter: steps - done } : left];
  });

/** What a run may go on with behind its last step: more at the rate that it has reached, as long as what was left of that phase. */
export function nextPhase(phases: readonly PhaseView[], step: number): Phase {
  const { phase, start, steps, length, lastRate } = phases.findLast((p) => p.start < step) ?? phases[0]!;
  const { endAfter: _, ...rest } = phase;
  const done = step - start;
  if (done >= steps) return { ...rest, kind: 'constant', from: lastRate, to: lastRate };
  const rate = rateAfter(phase, done / length);
  const { steps: __, tokens: ___, ...others } = rest;
  return { ...others, kind: 'constant', steps: steps - done, from: rate, to: rate };
}

/**
 * With the phases that a run has left after a step: the one in training starts at the rate that it had reached. All of
 * them where none is left.
 */
export function withPhasesLeft(config: RunConfig, phases: readonly PhaseView[], step: number): RunConfig {
  const left = phasesLeft(phases, step);
  return left.length === 0 ? config : { ...config, phases: left };
}

/** Where a model's own learning rate is not known, that of GPT-2's sizes in nanoGPT. */
const unknownRate = 6e-4;
const fineTuneSteps = 1000;

/**
 * A recipe to fine-tune a run's model on other data. The peak rate is a tenth of that which the model was trained with:
 * between GPT-1's quarter (Radford et al. 2018, section 4.1: 6.25e-5 after 2.5e-4) and nanoGPT's twentieth
 * (config/finetune_shakespeare.py: 3e-5 after 6e-4). It warms up over 3 % of the steps, as Stanford Alpaca does
 * (warmup_ratio 0.03), and decays along a cosine to a tenth of the peak, as in training (Hoffmann et al. 2022).
 * @param none stands for a dataset that is not chosen
 */
export function fineTuning(config: RunConfig, none: string): RunConfig {
  const { init: _, schedule: __, ...rest } = withoutData(config, none);
  const peak = short((peakRate(config) || unknownRate) / 10);
  const warmup = Math.round(0.03 * fineTuneSteps);
  return {
    ...rest,
    phases: [
      { kind: 'warmup', steps: warmup, from: 0, to: peak },
      { kind: 'cosine', steps: fineTuneSteps - warmup, from: peak, to: short(peak / 10) },
    ],
  } as RunConfig;
}
