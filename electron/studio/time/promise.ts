import { formatCount, formatDuration } from '../../base/format.ts';
import { logDefect } from '../../base/log.ts';
import type { Store } from '../store/index.ts';
import type { Studio } from '../studio.ts';
import type { TimeEstimate } from './estimate.ts';

/** Of the event that says how long a run was to take when it was started. */
export const promiseKind = 'promise';

const found = { measured: 'by steps that were measured', computed: 'by the cost model' } as const;

/**
 * Keeps with a run how long it was to take, so that it can be held against how long it takes.
 * @param from the step from which on that holds
 */
export function recordPromise(store: Store, id: string, promise: TimeEstimate, from = 0): void {
  const { seconds, lowSeconds, highSeconds, on, how } = promise;
  const range = how === 'measured' ? '' : `, ${formatDuration(lowSeconds)} to ${formatDuration(highSeconds)}`;
  const left = from === 0 ? '' : ` from step ${formatCount(from)} on`;
  const message = `expected to take ${formatDuration(seconds)}${left} on ${on} (${found[how]}${range})`;
  store.events.add(id, from, 'info', promiseKind, message, promise);
}

/** Of events with which what was promised holds no longer: other steps are left than then. */
const renewing: ReadonlySet<string> = new Set(['phases', 'continued']);

/**
 * Estimates how long what is left of a run takes, and keeps it, where that was not said yet or its phases were changed since.
 * A run trains with or without it: what fails at that is no fault of the run.
 */
export async function keepPromise(studio: Studio, id: string): Promise<void> {
  const { store, runs, time } = studio;
  try {
    const last = store.events.list(id).findLast(({ kind }) => kind === promiseKind || renewing.has(kind));
    if (last?.kind === promiseKind) return;
    const run = store.runs.get(id);
    const promise = await time.rest(runs.configOf(run), run.step);
    if (promise) recordPromise(store, id, promise, run.step);
  } catch (error) {
    if (store.isOpen) logDefect(studio.home, `time of ${id}`, error);
  }
}
