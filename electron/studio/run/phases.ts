import { parseRunConfig, type Phase, type RunConfig } from '../../engine/config.ts';
import { type ScheduledPhase, schedule } from '../../engine/trainer/schedule.ts';
import { UsageError } from '../../errors.ts';

/** The phases of a config of which a run has trained a step, or all that it has. */
export const begunPhases = (config: RunConfig, step: number): ScheduledPhase[] =>
  schedule(config).filter((p) => p.start < step);

/**
 * A config with other phases after those that a run has begun: added, stretched, dropped or changed. What was trained
 * stays as it was, so that the run goes on to the same bit.
 * @param step optimizer steps that the run has taken
 * @param later what comes after the phases begun
 * @throws UsageError when nothing would be left to train, or a phase makes no sense
 */
export function withLaterPhases(config: RunConfig, step: number, later: readonly Phase[]): RunConfig {
  const begun = begunPhases(config, step).map((p) => p.phase);
  const phases = [...begun, ...later];
  if (phases.length === 0) throw new UsageError('A run needs at least one phase.');
  return parseRunConfig({ ...config, phases });
}
