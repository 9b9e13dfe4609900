import { formatCount } from '../../base/format.ts';
import path from 'node:path';
import { UserError } from '../../base/errors.ts';
import {
  checkpointName,
  listCheckpoints,
  openCheckpoint,
  stash,
  unstash,
  vanishedMessage,
} from '../checkpoint/index.ts';
import { save, scheduledUpTo } from './checkpoints.ts';
import type { RunConfig } from './config.ts';
import type { Outcome } from './events.ts';
import { during, type Run } from './run.ts';
import { type ScheduledPhase, totalSteps } from './schedule.ts';
import type { TrainerState } from './state.ts';
import { begin, restore } from './weights.ts';

/** Why training can't go on from a step, and whether the weights are still those of the step before. */
export interface Bad {
  readonly reason: string;
  readonly skipped: boolean;
}

export interface Recovery {
  /** The step of the checkpoint to go back to; 0: the beginning. */
  readonly to: number;
  /** This one included, how often the run went back without getting past `until`. */
  readonly recoveries: number;
  readonly until: number;
}

/**
 * Where to go back to after a bad step. What did not help once is not tried again: the loss may show damage that is older
 * than the last checkpoint.
 * @param onDisk steps of the checkpoints that there are
 * @returns undefined when going back is of no use any more
 */
export function planRecovery(
  { step, recovery, recoveries: before }: TrainerState,
  config: RunConfig,
  phases: readonly ScheduledPhase[],
  onDisk: ReadonlySet<number>,
): Recovery | undefined {
  const again = recovery !== null && step < recovery.until;
  const recoveries = again ? before + 1 : 1;
  if (recoveries > config.guards.maxRecoveries) return undefined;
  const scheduled = scheduledUpTo(config, phases, again ? recovery.to - 1 : step);
  const to = scheduled.find((s) => onDisk.has(s)) ?? 0;
  // Not from days back to the beginning.
  if (to === 0 && scheduled.length > 0) return undefined;
  return { to, recoveries, until: Math.max(step + config.guards.window, again ? recovery.until : 0) };
}

/**
 * Goes back if that may help. @returns whether it did
 * @throws UserError when the run's folder is not at its place any more: it has not lost its checkpoints for that
 */
export async function recover(run: Run, { reason }: Bad): Promise<boolean> {
  const where = run.folder.where();
  if (where.kind !== 'here')
    throw new UserError(`${reason}; ${vanishedMessage(run.options.checkpointRoot, where, null)}`);
  const onDisk = new Set((await listCheckpoints(run.options.checkpointRoot)).map((c) => c.step));
  const recovery = planRecovery(run.state, run.config, run.phases, onDisk);
  if (recovery) await during(run, 'recovering', () => goBack(run, recovery, reason));
  return recovery !== undefined;
}

/**
 * Goes back to a checkpoint, past the data that led here. What is decided here is saved at once: a run that is killed
 * later must not go the bad way again.
 */
async function goBack(run: Run, { to, recoveries, until }: Recovery, reason: string): Promise<void> {
  const { step, sequences, skipped } = run.state;
  const { checkpointRoot } = run.options;
  if (to > 0) await restore(run, await openCheckpoint(path.join(checkpointRoot, checkpointName(to))));
  else await begin(run);
  run.state = { ...run.state, sequences, skipped, recoveries, recovery: { to, until } };
  run.entered = -1;
  run.log.emit({ type: 'recovery', step: step + 1, to, reason, recoveries });
  for (const later of await stash(checkpointRoot, to)) run.log.emit({ type: 'checkpointRemoved', step: later });
  await save(run);
}

/**
 * Ends a run that can't go on. Where the device skipped the bad update the weights are those of the step before: they are
 * saved if text can be made with them, and no earlier checkpoint, which may well be better, makes way for them.
 */
export async function fail(run: Run, { reason, skipped }: Bad): Promise<Outcome> {
  const { options, loaded } = run;
  const { checkpointRoot, validation } = options;
  const { step } = run.state;
  await loaded.stepper.rest();
  if (skipped && run.saved !== step) {
    const valLoss = await loaded.programs.evaluator.meanLoss(loaded.session, validation);
    if (Number.isFinite(valLoss)) await save(run);
  }
  await unstash(checkpointRoot);
  const last = (await listCheckpoints(checkpointRoot)).at(-1)?.step ?? -1;
  const saved = last < 0 ? 'nothing was saved yet' : `the latest checkpoint is at step ${formatCount(last)}`;
  const stepsTotal = totalSteps(run.phases);
  return { state: 'failed', step, stepsTotal, message: `${reason}; ${saved}: restart with a lower learning rate` };
}
