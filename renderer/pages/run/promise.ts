import type { EventView, TimeEstimate } from '../../../electron/api/types.ts';

/** How long a run was to take, where that was known when it was started. */
export const promiseOf = (events: readonly EventView[]): TimeEstimate | undefined =>
  events.find((e) => e.kind === 'promise')?.data as TimeEstimate | undefined;

/**
 * Seconds that a run has trained: from each of its starts to the last step before the next one. What it rested does not count.
 * @param times of its steps, in order, milliseconds since 1970
 */
export function trainedSeconds(events: readonly EventView[], times: readonly number[]): number {
  const starts = events.filter((e) => e.kind === 'started').map((e) => e.time);
  return starts.reduce((sum, start, i) => {
    const end = times.findLast((time) => time < (starts[i + 1] ?? Number.POSITIVE_INFINITY));
    return sum + (end !== undefined && end > start ? (end - start) / 1000 : 0);
  }, 0);
}
