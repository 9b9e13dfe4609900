import { formatCount, plural } from '../../base/format.ts';
import { UsageError, UserError } from '../../base/errors.ts';
import { parseRunConfig, type Phase, type RunConfig } from './config.ts';
import { lengthOf, type ScheduledPhase, schedule } from './schedule.ts';

/** A phase's length: in steps, or in tokens, which are rounded up to whole steps. */
export type PhaseLength = { readonly steps: number } | { readonly tokens: number };

/** Other phases for a run, after those that it has begun: added, stretched, dropped or changed. */
export interface PhaseChange {
  /** So many phases had begun for whoever asks; null: whatever is asked holds for any number. */
  readonly started: number | null;
  /** Another length of the phase that began last; absent: it stays. Its rates, its optimizer and its data stay in any case. */
  readonly current?: PhaseLength;
  /** What takes the place of all phases that have not begun; null: they stay. */
  readonly later: readonly Phase[] | null;
  /** What comes after all others. */
  readonly add: readonly Phase[];
}

/** The phases of a config of which a run has trained a step, or all that it has. */
export const startedPhases = (config: RunConfig, step: number): ScheduledPhase[] =>
  schedule(config).filter((p) => p.start < step);

/**
 * A config that ends after so many steps: the phase in which that is ends there, with the rates that it was trained with,
 * and those that have not begun are dropped.
 */
export const endedAt = (config: RunConfig, step: number): RunConfig => ({
  ...config,
  phases: startedPhases(config, step).map(({ phase, start, steps }) =>
    step < start + steps ? endedAfter(phase, step - start) : phase,
  ),
});

function endedAfter(phase: Phase, steps: number): Phase {
  if (phase.kind !== 'constant') return { ...phase, endAfter: steps };
  const { steps: _, tokens: __, endAfter: ___, ...rest } = phase;
  return { ...rest, steps };
}

/**
 * A config with its later phases changed. What was trained stays as it was, so that the run goes on to the same bit.
 * @param step optimizer steps that the run has taken
 * @throws UserError when nothing would be left to train, a phase makes no sense, or another one has begun in the meantime
 */
export function withChangedPhases(config: RunConfig, step: number, change: PhaseChange): RunConfig {
  const { started, current, later, add } = change;
  const scheduled = startedPhases(config, step);
  const before = scheduled.map((p) => p.phase);
  if (started !== null && started !== before.length) {
    throw new UserError(
      `The run has started phase ${before.length} in the meantime (step ${formatCount(step)}): reload its phases, then edit the upcoming ones.`,
    );
  }
  if (current) before.splice(-1, 1, withLength(config, step, scheduled.at(-1), current));
  const phases = [...before, ...(later ?? config.phases.slice(before.length)), ...add];
  if (phases.length === 0) throw new UsageError('A run needs at least one phase.');
  return parseRunConfig({ ...config, phases });
}

/** @throws UsageError where steps that are trained would have had other rates, or would not have been trained */
function withLength(config: RunConfig, step: number, started: ScheduledPhase | undefined, length: PhaseLength): Phase {
  if (!started)
    throw new UsageError('The run has not started a phase yet: replace its phases instead of changing a length.');
  const { phase, index, start } = started;
  const name = `Phase ${index + 1} (${phase.kind})`;
  const { steps: _, tokens: __, endAfter: ___, ...rest } = phase;
  const changed = { ...rest, ...length };
  const steps = lengthOf(changed, config.tokensPerStep);
  if (steps === started.steps) return phase;
  if (phase.kind !== 'constant') {
    throw new UsageError(
      `${name} has started and keeps its ${plural(started.steps, 'step')}: another length would change the LR it was trained with. Edit the phases after it.`,
    );
  }
  if (steps < step - start) {
    throw new UsageError(
      `${name} has trained ${plural(step - start, 'step')} and can't end after ${steps}: give it ${step - start} or more.`,
    );
  }
  return changed;
}
