/** A page's, without the types of one: this is also tried where there is none. */
declare const window: { requestAnimationFrame(draw: () => void): unknown };

/** A window that is not seen draws no frames, and is to know what happened when it is looked at. Milliseconds. */
const unseenMs = 250;

/** Settles with the next picture of the window. */
function frame(): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, unseenMs);
    window.requestAnimationFrame(() => {
      clearTimeout(late);
      resolve();
    });
  });
}

/** Settles when all that was to be done at once is done. */
const idle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/**
 * Takes news at the pace of the page: what comes between two frames is taken together, and half of the time is left to whoever
 * uses the page, however fast a run trains and however slow the machine is.
 */
export class Paced<T> {
  readonly #take: (item: T) => void;
  #waiting: T[] = [];
  #isOn = false;

  /** @param take called for one item after the other, without a pause among those that came together */
  constructor(take: (item: T) => void) {
    this.#take = take;
  }

  add(item: T): void {
    this.#waiting.push(item);
    if (!this.#isOn) void this.#work();
  }

  /** Takes what waits, now. */
  drain(): void {
    for (const item of this.#waiting.splice(0)) this.#take(item);
  }

  async #work(): Promise<void> {
    this.#isOn = true;
    try {
      while (this.#waiting.length > 0) {
        await frame();
        const start = performance.now();
        this.drain();
        await idle();
        const busy = performance.now() - start;
        await new Promise((resolve) => setTimeout(resolve, busy));
      }
    } finally {
      this.#isOn = false;
    }
  }
}
