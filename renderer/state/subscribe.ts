import { ORPCError } from '@orpc/client';
import { connection } from './connection.svelte.ts';
import { Paced } from './paced.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Listens until it is left. A lost connection is waited for, and `open` asked again: it says what is known already, so that
 * the rest is caught up with.
 * @param onError told of what is no matter of the connection; listening ends then
 * @returns leaves
 */
export function subscribe<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  onItem: (item: T) => void,
  onError: (error: unknown) => void,
): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  const news = new Paced<T>((item) => {
    if (!signal.aborted) onItem(item);
  });
  void (async () => {
    while (!signal.aborted) {
      try {
        for await (const item of await open(signal)) {
          if (signal.aborted) return;
          news.add(item);
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        // What is known is asked for no second time.
        news.drain();
        if (error instanceof ORPCError) return onError(error);
        await pause(200);
        await connection.reached();
      }
    }
  })();
  return () => controller.abort();
}
