import type { RunConfig } from '../config.ts';
import { samePrograms, type ScheduledPhase, settingsOf } from './schedule.ts';
import type { TrainerState } from './snapshot.ts';

/** So many of the scheduled checkpoints are kept to go back to. */
export const keptScheduled = 2;

/**
 * Steps up to `step` whose checkpoints the config itself asks for, every so often and where a phase needs other programs,
 * the latest first: more than are kept. What a run goes back to must not depend on where its user paused it.
 */
export function scheduledUpTo(config: RunConfig, phases: readonly ScheduledPhase[], step: number): number[] {
  const settings = phases.map((p) => settingsOf(config, p.phase));
  const switches = phases
    .filter(({ index, start }) => start > 0 && start <= step && !samePrograms(settings[index]!, settings[index - 1]!))
    .map((p) => p.start);
  const regular: number[] = [];
  for (const { index, start, steps } of phases.toReversed()) {
    const every = settings[index]!.checkpointEvery;
    const last = Math.min(step, start + steps);
    for (let s = last - (last % every); every > 0 && s > start && regular.length <= keptScheduled; s -= every)
      regular.push(s);
  }
  return [...new Set([...regular, ...switches])].sort((a, b) => b - a);
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
