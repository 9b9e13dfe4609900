import type { EventView, MemoryReport } from '../../electron/api/types.ts';

/** What is told of memory as a run begins, and whenever its programs change. */
const kinds: ReadonlySet<string> = new Set(['started', 'optimizer', 'batch']);

/** The memory that a run holds, or held last: of the latest event that tells it. Older studios told no overhead. */
export function memoryOf(
  events: readonly EventView[],
): (Omit<MemoryReport, 'overheadBytes'> & { overheadBytes?: number }) | undefined {
  const told = events.findLast((e) => kinds.has(e.kind) && e.data !== null);
  return told?.data as ReturnType<typeof memoryOf>;
}
