/** Which jobs may begin. */
import type { JobRecord } from '../store/index.ts';

type Waiting = Pick<JobRecord, 'id' | 'slot' | 'scheduled'>;

/** How many jobs use a slot at a time; of one that is not named, one. */
const capacities: Readonly<Record<string, number>> = { files: 2 };

/**
 * The jobs that may begin now.
 * @param queued in the order of the queue
 * @param running
 * @param isBusy whether something that is no job uses a slot
 * @param isOpen whether jobs of the queue's hours may begin
 */
export function nextJobs<T extends Waiting>(
  queued: readonly T[],
  running: readonly Pick<JobRecord, 'slot'>[],
  isBusy: (slot: string) => boolean,
  isOpen: boolean,
): T[] {
  const used = new Map<string, number>();
  const use = (slot: string | null): void => {
    if (slot !== null) used.set(slot, (used.get(slot) ?? 0) + 1);
  };
  for (const { slot } of running) use(slot);
  return queued.filter((job) => {
    if (job.scheduled && !isOpen) return false;
    const { slot } = job;
    if (slot !== null && (isBusy(slot) || (used.get(slot) ?? 0) >= (capacities[slot] ?? 1))) return false;
    use(slot);
    return true;
  });
}
