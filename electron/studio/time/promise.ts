import { formatDuration } from '../../base/format.ts';
import type { Store } from '../store/index.ts';
import type { TimeEstimate } from './estimate.ts';

/** Of the event that says how long a run was to take when it was started. */
export const promiseKind = 'promise';

const found = { measured: 'by steps that were measured', computed: 'by the cost model' } as const;

/** Keeps with a run how long it was to take, so that it can be held against how long it takes. */
export function recordPromise(store: Store, id: string, promise: TimeEstimate): void {
  const { seconds, lowSeconds, highSeconds, on, how } = promise;
  const range = how === 'measured' ? '' : `, ${formatDuration(lowSeconds)} to ${formatDuration(highSeconds)}`;
  const message = `expected to take ${formatDuration(seconds)} on ${on} (${found[how]}${range})`;
  store.events.add(id, 0, 'info', promiseKind, message, promise);
}
