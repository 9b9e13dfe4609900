import type { EventView, MemoryReport } from '../../../electron/api/types.ts';

/** What is told of memory as a run begins, and whenever its programs change. */
const kinds: ReadonlySet<string> = new Set(['started', 'optimizer', 'batch']);

/** What older studios did not tell is absent. */
export type ReportedMemory = Pick<MemoryReport, 'plannedBytes' | 'allocatedBytes' | 'roleBytes'> &
  Partial<MemoryReport>;

/** The memory that a run holds, or held last: of the latest event that tells it. */
export function memoryOf(events: readonly EventView[]): ReportedMemory | undefined {
  const reported = events.findLast((e) => kinds.has(e.kind) && e.data !== null);
  if (!reported) return undefined;
  // Runs of older studios hold the reserve by another name.
  const { ['asideBytes']: moduleReserveBytes = 0, ...data } = reported.data as Record<string, number>;
  return { moduleReserveBytes, ...data } as ReportedMemory;
}

/**
 * Whether it is a GPU's.
 * @param now whether the run's device is one, where the report does not tell
 * @param isGpuKind whether devices of a kind are GPUs
 */
export const isGpus = ({ device }: ReportedMemory, now: boolean, isGpuKind: (kind: string) => boolean): boolean =>
  device === undefined ? now : isGpuKind(device);
