import { isDefect, messageOf } from './api.ts';

/**
 * Something that is fetched: pending, there, or failed, and fetched again on demand. What was there stays until there is
 * something newer: it is the same thing. Where the question changes, see `Latest`.
 */
export class Load<T> {
  value = $state.raw<T>();
  error = $state<string>();
  /** The studio's log says more of the error. */
  logged = $state(false);
  pending = $state(false);
  readonly #fetch: (signal: AbortSignal) => Promise<T>;
  #controller: AbortController | undefined;

  constructor(fetch: (signal: AbortSignal) => Promise<T>) {
    this.#fetch = fetch;
  }

  /** Fetches; of several at once the last one counts, and the others are aborted. */
  async now(): Promise<void> {
    this.#controller?.abort();
    const { signal } = (this.#controller = new AbortController());
    this.pending = true;
    try {
      const value = await this.#fetch(signal);
      if (signal.aborted) return;
      this.value = value;
      this.error = undefined;
    } catch (error) {
      if (signal.aborted) return;
      this.error = messageOf(error);
      this.logged = isDefect(error);
    } finally {
      if (!signal.aborted) this.pending = false;
    }
  }
}
