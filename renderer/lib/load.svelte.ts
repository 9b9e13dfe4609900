import { isDefect, messageOf } from './api.ts';

/** Something that is fetched: pending, there, or failed, and fetched again on demand. */
export class Load<T> {
  value = $state.raw<T>();
  error = $state<string>();
  /** The studio's log says more of the error. */
  logged = $state(false);
  pending = $state(false);
  readonly #fetch: () => Promise<T>;
  #turn = 0;

  constructor(fetch: () => Promise<T>) {
    this.#fetch = fetch;
  }

  /** Fetches; of several at once the last one counts. */
  async now(): Promise<void> {
    const turn = ++this.#turn;
    this.pending = true;
    try {
      const value = await this.#fetch();
      if (turn !== this.#turn) return;
      this.value = value;
      this.error = undefined;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.error = messageOf(error);
      this.logged = isDefect(error);
    } finally {
      if (turn === this.#turn) this.pending = false;
    }
  }
}
