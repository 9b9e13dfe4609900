/** How often the store is looked at for what other processes wrote, milliseconds. */
const everyMs = 250;
/** What happens within this time is told together, milliseconds. */
const batchMs = 40;

/** The one place that looks for news of a studio: all who wait for them hear of them from here. */
export class Ticker {
  readonly #version: () => string;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #seen = '';
  #isOpen = true;

  /** @param version another value whenever something was written, by whatever process */
  constructor(version: () => string) {
    this.#version = version;
  }

  /** Whether there may be news. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Something changed that is in no file. */
  poke(): void {
    if (this.#listeners.size > 0) this.#soon ??= setTimeout(() => this.#emit(), batchMs).unref();
  }

  /** @returns what ends it */
  listen(listener: () => void): () => void {
    if (this.#listeners.size === 0) this.#seen = this.#version();
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => this.#look(), everyMs).unref();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#rest();
    };
  }

  /** Whoever waits hears of it, once. */
  close(): void {
    this.#isOpen = false;
    this.#emit();
    this.#listeners.clear();
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#timer = this.#soon = undefined;
  }

  #look(): void {
    const version = this.#version();
    if (version === this.#seen) return;
    this.#seen = version;
    this.#emit();
  }

  #emit(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    for (const listener of [...this.#listeners]) listener();
  }
}
