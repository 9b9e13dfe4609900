import type { Phase, RunConfig } from '../config.ts';
import type { OptimizerKind } from '../optimizers/index.ts';

export interface ScheduledPhase {
  readonly phase: Phase;
  readonly index: number;
  /** First step of the phase, counted from 0. */
  readonly start: number;
  readonly steps: number;
}

/** A run's phases with their place in the run, in steps. */
export function schedule(config: Pick<RunConfig, 'phases' | 'tokensPerStep'>): ScheduledPhase[] {
  let start = 0;
  return config.phases.map((phase, index) => {
    const steps = phase.steps ?? Math.ceil(phase.tokens! / config.tokensPerStep);
    const scheduled = { phase, index, start, steps };
    start += steps;
    return scheduled;
  });
}

export const totalSteps = (phases: readonly ScheduledPhase[]): number =>
  phases.reduce((total, p) => total + p.steps, 0);

/** The phase of a step; the last one for steps past the end. */
export function phaseAt(phases: readonly ScheduledPhase[], step: number): ScheduledPhase {
  return phases.find((p) => step < p.start + p.steps) ?? phases[phases.length - 1]!;
}

/** The optimizer of a step: its phase's, else the run's. */
export const optimizerAt = (config: RunConfig, phases: readonly ScheduledPhase[], step: number): OptimizerKind =>
  phaseAt(phases, step).phase.optimizer ?? config.optimizer.kind;

/**
 * The learning rate of a step (counted from 0): linear in a warm-up, half a cosine from `from` to `to` in a cosine phase,
 * the first step at `from` and the last at `to`. A pure function of the phases.
 */
export function learningRateAt(phases: readonly ScheduledPhase[], step: number): number {
  const { phase, start, steps } = phaseAt(phases, step);
  const last = steps - 1;
  const t = last === 0 ? 1 : Math.min(1, (step - start) / last);
  switch (phase.kind) {
    case 'constant':
      return phase.from;
    case 'warmup':
      return phase.from + (phase.to - phase.from) * t;
    case 'cosine':
      return phase.to + (phase.from - phase.to) * 0.5 * (1 + Math.cos(Math.PI * t));
  }
}
