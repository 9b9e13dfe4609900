import { UsageError, UserError } from '../../errors.ts';
import { parseRunConfig, type Phase, type RunConfig } from '../config.ts';
import { type ScheduledPhase, schedule } from './schedule.ts';

/** Other phases for a run, after those that it has begun: added, stretched, dropped or changed. */
export interface PhaseChange {
  /** So many phases had begun for whoever asks; null: whatever is asked holds for any number. */
  readonly begun: number | null;
  /** What takes the place of all phases that have not begun; null: they stay. */
  readonly later: readonly Phase[] | null;
  /** What comes after all others. */
  readonly add: readonly Phase[];
}

/** The phases of a config of which a run has trained a step, or all that it has. */
export const begunPhases = (config: RunConfig, step: number): ScheduledPhase[] =>
  schedule(config).filter((p) => p.start < step);

/**
 * A config with its later phases changed. What was trained stays as it was, so that the run goes on to the same bit.
 * @param step optimizer steps that the run has taken
 * @throws UserError when nothing would be left to train, a phase makes no sense, or another one has begun in the meantime
 */
export function withChangedPhases(config: RunConfig, step: number, { begun, later, add }: PhaseChange): RunConfig {
  const before = begunPhases(config, step).map((p) => p.phase);
  if (begun !== null && begun !== before.length) {
    throw new UserError(
      `The run has begun phase ${before.length} in the meantime (step ${step}): look at its phases again, then change those after it.`,
    );
  }
  const phases = [...before, ...(later ?? config.phases.slice(before.length)), ...add];
  if (phases.length === 0) throw new UsageError('A run needs at least one phase.');
  return parseRunConfig({ ...config, phases });
}
