import type { MixPart } from '../../data/sampling/mix.ts';
import type { Phase, RunConfig } from './config.ts';
import type { OptimizerKind } from '../optimizers/index.ts';

export interface ScheduledPhase {
  readonly phase: Phase;
  readonly index: number;
  /** First step of the phase, counted from 0. */
  readonly start: number;
  /** Those that are trained: fewer than its length where it ends early. */
  readonly steps: number;
  /** Steps over which its rates go from the first to the last. */
  readonly length: number;
  /** Whether `from` is the rate before its first step, which is then on the way already, rather than the first step's. */
  readonly leaves: boolean;
}

/** Length of a phase, in optimizer steps; it may end before. */
export const lengthOf = (phase: Phase, tokensPerStep: number): number =>
  phase.steps ?? Math.ceil(phase.tokens! / tokensPerStep);

/** What decides a run's phases: `schedule` is absent in configs of earlier versions. */
export type ScheduleConfig = Pick<RunConfig, 'phases' | 'tokensPerStep'> & {
  readonly schedule?: RunConfig['schedule'];
};

/** A run's phases with their place in the run, in steps. */
export function schedule(config: ScheduleConfig): ScheduledPhase[] {
  let start = 0;
  let before: ScheduledPhase | undefined;
  return config.phases.map((phase, index) => {
    const length = lengthOf(phase, config.tokensPerStep);
    const steps = Math.min(length, phase.endAfter ?? length);
    const leaves = (config.schedule ?? 1) > 1 && leavesRate(phase, before);
    before = { phase, index, start, steps, length, leaves };
    start += steps;
    return before;
  });
}

/** Whether the rate that a phase starts from is not trained with: a warm-up's, and what the phase before has ended with. */
const leavesRate = (phase: Phase, before: ScheduledPhase | undefined): boolean =>
  phase.kind === 'warmup' || (before !== undefined && lastRate(before) === phase.from);

export const totalSteps = (phases: readonly ScheduledPhase[]): number =>
  phases.reduce((total, p) => total + p.steps, 0);

/** The phase of a step; the last one for steps past the end. */
export function phaseAt(phases: readonly ScheduledPhase[], step: number): ScheduledPhase {
  return phases.find((p) => step < p.start + p.steps) ?? phases[phases.length - 1]!;
}

/** The phases of which there is something to train after so many steps. */
export const phasesLeft = (phases: readonly ScheduledPhase[], step: number): ScheduledPhase[] =>
  phases.filter((p) => p.start + p.steps > step);

/** What decides the programs, and with them the memory, of a phase. */
export interface ProgramSettings {
  readonly optimizer: OptimizerKind;
  readonly batch: number;
}

export const samePrograms = (a: ProgramSettings, b: ProgramSettings): boolean =>
  a.optimizer === b.optimizer && a.batch === b.batch;

/** What a phase decides besides its rates. */
export interface PhaseSettings extends ProgramSettings {
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  /** What it trains on. */
  readonly mix: readonly MixPart[];
}

/** A phase's own settings, else the run's. */
export const settingsOf = (config: RunConfig, phase: Phase): PhaseSettings => ({
  optimizer: phase.optimizer ?? config.optimizer.kind,
  batch: phase.batch ?? config.batch,
  evaluateEvery: phase.evaluateEvery ?? config.evaluation.every,
  checkpointEvery: phase.checkpointEvery ?? config.checkpoints.every,
  mix: mixOf(config, phase),
});

/** What a phase trains on: its own data, else the run's. */
function mixOf({ dataset, subset, mix }: RunConfig, phase: Phase): readonly MixPart[] {
  if (phase.mix) return phase.mix;
  const own = phase.dataset !== undefined || phase.subset !== undefined;
  if (mix && !own) return mix;
  return [{ dataset: phase.dataset ?? dataset, subset: phase.subset ?? subset, weight: 1 }];
}

/** What a run trains on, by the names of its datasets: `stories + code`, or `stories, then code`. */
export function dataTitle(config: RunConfig): string {
  const titles = config.phases.map((phase) =>
    [...new Set(settingsOf(config, phase).mix.map((part) => part.dataset))].join(' + '),
  );
  return titles.filter((title, i) => title !== titles[i - 1]).join(', then ');
}

/** The datasets that phases name. */
export const namedDatasets = (phases: readonly Phase[]): string[] => [
  ...new Set(
    phases.flatMap((p) => [...(p.dataset === undefined ? [] : [p.dataset]), ...(p.mix ?? []).map((m) => m.dataset)]),
  ),
];

/** The settings with which a step (counted from 0) is trained. */
export const settingsAt = (config: RunConfig, phases: readonly ScheduledPhase[], step: number): PhaseSettings =>
  settingsOf(config, phaseAt(phases, step).phase);

/**
 * The learning rate of a step (counted from 0): linear in a warm-up, half a cosine from `from` to `to` in a cosine phase
 * (Loshchilov & Hutter 2017). The last step of n is at `to`. The first is at `from`, or 1/n of the way from there where that
 * rate is no step's own: a warm-up does not train at 0, and a cosine does not repeat the last rate of the warm-up before it.
 * A pure function of the phases.
 */
export function learningRateAt(phases: readonly ScheduledPhase[], step: number): number {
  const phase = phaseAt(phases, step);
  return rateAfter(phase, step - phase.start);
}

/** The learning rate of a phase's last step. */
export const lastRate = (scheduled: ScheduledPhase): number =>
  scheduled.steps === scheduled.length ? scheduled.phase.to : rateAfter(scheduled, scheduled.steps - 1);

/** @param done steps of the phase that are trained before the one that is asked about */
function rateAfter({ phase, length, leaves }: ScheduledPhase, done: number): number {
  const [part, whole] = leaves ? [done + 1, length] : [done, length - 1];
  const t = whole === 0 ? 1 : Math.min(1, part / whole);
  switch (phase.kind) {
    case 'constant':
      return phase.from;
    case 'warmup':
      return phase.from + (phase.to - phase.from) * t;
    case 'cosine':
      return phase.to + (phase.from - phase.to) * 0.5 * (1 + Math.cos(Math.PI * t));
  }
}
