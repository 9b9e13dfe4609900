import type { EventView, TimeEstimate } from '../../../electron/api/types.ts';

/** How long a run was to take in all when that was last said: what it had trained by then, and what was estimated of the rest. */
export interface Expected {
  readonly seconds: number;
  readonly how: TimeEstimate['how'];
  /** The step from which it was estimated. */
  readonly from: number;
}

/**
 * What a run was expected to take: said at its start, and again where its phases were changed. Undefined where it was not
 * known.
 * @param times of its steps: see `trainedSeconds`
 */
export function expectedOf(events: readonly EventView[], times: readonly number[]): Expected | undefined {
  const said = events.findLast((e) => e.kind === 'promise');
  if (!said) return undefined;
  const { seconds, how } = said.data as TimeEstimate;
  const before = trainedSeconds(
    events.filter((e) => e.time <= said.time),
    times.filter((time) => time <= said.time),
  );
  return { seconds: before + seconds, how, from: said.step ?? 0 };
}

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
