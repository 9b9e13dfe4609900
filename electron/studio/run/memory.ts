import type { RunConfig } from '../../engine/run/config.ts';
import { phaseAt, schedule } from '../../engine/run/schedule.ts';
import type { RunMemory } from './machine.ts';

/**
 * What a run's machine remembers where the run goes on from a checkpoint. The phase is that of the run's config: the phases
 * may have been changed after the checkpoint was written.
 * @param stored with the checkpoint; null where it is not known
 * @param step of the checkpoint
 */
export function memoryAt(stored: unknown, config: RunConfig, step: number): Partial<RunMemory> {
  const { index, phase } = phaseAt(schedule(config), step);
  return { ...(stored as Partial<RunMemory> | null), step, phase: { index, kind: phase.kind } };
}
