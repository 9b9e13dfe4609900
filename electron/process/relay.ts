/** Hands items on to whoever listens. A window that is just being opened hears of them when it listens. */
export class Relay<T> {
  readonly #listeners = new Set<(item: T) => void>();
  readonly #kept: number;
  #waiting: T[] = [];

  /** @param kept of what nobody hears, so many of the newest wait */
  constructor(kept: number) {
    this.#kept = kept;
  }

  send(item: T): void {
    if (this.#listeners.size === 0) this.#waiting = [...this.#waiting, item].slice(-this.#kept);
    for (const listen of this.#listeners) listen(item);
  }

  /** What is sent, until the signal. */
  async *listen(signal: AbortSignal | undefined): AsyncGenerator<T> {
    const items = this.#waiting.splice(0);
    let wake = (): void => {};
    const listen = (item: T): void => {
      items.push(item);
      wake();
    };
    const leave = (): void => wake();
    this.#listeners.add(listen);
    signal?.addEventListener('abort', leave);
    try {
      while (!signal?.aborted) {
        if (items.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        else yield items.shift()!;
      }
    } finally {
      this.#listeners.delete(listen);
      signal?.removeEventListener('abort', leave);
    }
  }
}
