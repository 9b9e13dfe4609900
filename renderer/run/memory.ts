import type { EventView, MemoryReport } from '../../electron/api/types.ts';

/** What is told of memory as a run begins, and whenever its programs change. */
const kinds: ReadonlySet<string> = new Set(['started', 'optimizer', 'batch']);

/** What older studios did not tell is absent. */
export type ToldMemory = Pick<MemoryReport, 'plannedBytes' | 'allocatedBytes' | 'roleBytes'> & Partial<MemoryReport>;

/** The memory that a run holds, or held last: of the latest event that tells it. */
export function memoryOf(events: readonly EventView[]): ToldMemory | undefined {
  const told = events.findLast((e) => kinds.has(e.kind) && e.data !== null);
  return told?.data as ToldMemory | undefined;
}

/** Whether it is a GPU's. @param now whether the run's device is one, where the report does not tell */
export const isGpus = ({ device }: ToldMemory, now: boolean): boolean =>
  device === undefined ? now : device === 'cuda';
