import { setTimeout } from 'node:timers/promises';
import type { Ticker } from '../../studio/ticker.ts';

/**
 * Yields now, and again whenever there is news of the studio. What happens while the listener is busy comes together: nothing
 * piles up.
 * @param everyMs at most that often, in milliseconds
 */
export async function* changes(ticker: Ticker, signal: AbortSignal | undefined, everyMs = 0): AsyncGenerator<void> {
  let wake = (): void => {};
  let pending = true;
  const heard = (): void => {
    pending = true;
    wake();
  };
  const stop = ticker.listen(heard);
  signal?.addEventListener('abort', heard, { once: true });
  try {
    for (;;) {
      if (!pending) await new Promise<void>((resolve) => (wake = resolve));
      if (signal?.aborted || !ticker.isOpen) return;
      pending = false;
      yield;
      // The listener may leave meanwhile.
      if (everyMs > 0) await setTimeout(everyMs, undefined, signal ? { signal } : {}).catch(() => {});
    }
  } finally {
    stop();
    signal?.removeEventListener('abort', heard);
  }
}

/**
 * Follows a list: first all of it, then what changed.
 * @param everyMs at most that often, in milliseconds
 */
export async function* listUpdates<T extends { readonly id: string | number }>(
  ticker: Ticker,
  signal: AbortSignal | undefined,
  everyMs: number,
  read: () => readonly T[],
): AsyncGenerator<{ changed: T[]; order: T['id'][] }> {
  let shown: ReadonlyMap<T['id'], string> | undefined;
  for await (const _ of changes(ticker, signal, everyMs)) {
    const items = read();
    const now = new Map(items.map((item) => [item.id, JSON.stringify(item)]));
    const changed = items.filter(({ id }) => shown?.get(id) !== now.get(id));
    const order = [...now.keys()];
    const isSame = shown && changed.length === 0 && order.join() === [...shown.keys()].join();
    shown = now;
    if (!isSame) yield { changed, order };
  }
}
