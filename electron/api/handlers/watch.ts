import { setTimeout } from 'node:timers/promises';
import type { Store } from '../../studio/store/index.ts';

/** How often the store is looked at for news, milliseconds, where nothing else is said. */
const usualMs = 250;

/**
 * Yields now, and again whenever the store or the extra fact changed since. What happens while the listener is busy
 * comes together: nothing piles up.
 * @param fact something besides the store that matters, such as what a run is doing
 */
export async function* changes(
  store: Store,
  fact: () => string,
  signal: AbortSignal | undefined,
  everyMs = usualMs,
): AsyncGenerator<void> {
  let seen: string | undefined;
  while (!signal?.aborted && store.isOpen) {
    const now = `${store.version()} ${fact()}`;
    if (now !== seen) {
      seen = now;
      yield;
    }
    try {
      await setTimeout(everyMs, undefined, signal ? { signal } : {});
    } catch {
      return; // the listener left
    }
  }
}
