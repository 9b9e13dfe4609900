/** Runs that their user has stopped before their phases had ended. */
import { formatCount, plural } from '../../base/format.ts';
import { UserError } from '../../base/errors.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import { endedAt, type PhaseChange, withChangedPhases } from '../../engine/run/phaseChange.ts';
import { schedule } from '../../engine/run/schedule.ts';
import type { Run } from '../store/index.ts';

/** @throws UserError when a run was stopped early: its user has said that it is complete */
export function requireGoesOn({ id, stoppedEarly, step }: Run): void {
  if (!stoppedEarly) return;
  throw new UserError(
    `The run ${id} was stopped early at step ${formatCount(step)}: continue it with what was left of its phases, or with new ones, or start a new run from its checkpoint.`,
  );
}

/** @throws UserError when a run has nothing left that stopping it early has left out */
export function requireStoppedEarly({ id, stoppedEarly, state }: Run): void {
  if (stoppedEarly) return;
  const what = state === 'completed' ? 'has trained all of its phases' : 'was not stopped early';
  const remedy = state === 'completed' ? 'continue it with new phases' : 'resume it';
  throw new UserError(`The run ${id} ${what}: ${remedy}.`);
}

/** What phases are added to: of a run that was stopped early, what it has trained. */
export const endOf = ({ stoppedEarly, step }: Run, config: RunConfig): RunConfig =>
  stoppedEarly ? endedAt(config, step) : config;

/**
 * The config of a run at rest with other phases. One that was stopped early goes on with them from where it was stopped.
 * @throws UserError as `withChangedPhases` does
 */
export const withPhasesAtRest = (run: Run, config: RunConfig, change: PhaseChange): RunConfig =>
  withChangedPhases(endOf(run, config), run.step, change);

/** What becomes of the phases of a run that was stopped early as it goes on with others; null where all had been trained. */
export function endMessage(run: Run, config: RunConfig): string | null {
  if (!run.stoppedEarly) return null;
  const { step } = run;
  const all = schedule(config);
  const cut = all.find(({ start, steps }) => start < step && step < start + steps);
  const dropped = all.filter(({ start }) => start >= step).length;
  const parts = [
    cut && `phase ${cut.index + 1} (${cut.phase.kind}) ends at step ${formatCount(step)}, where the run was stopped`,
    dropped > 0 && `${plural(dropped, 'phase')} not started ${dropped === 1 ? 'was' : 'were'} dropped`,
  ].filter(Boolean);
  return parts.length === 0 ? null : parts.join('; ');
}

/** What is told of a run that goes on with what stopping it early has left out. */
export const finishMessage = ({ step }: Run, stepsTotal: number): string =>
  `continues from step ${formatCount(step)}, where it was stopped, to step ${formatCount(stepsTotal)} as planned`;
