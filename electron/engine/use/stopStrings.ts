/** Lets text through up to the first of some strings, however it is cut into pieces. */
export class StopStrings {
  readonly #strings: readonly string[];
  #held = '';
  /** One of the strings came: nothing more is let through. */
  stopped = false;

  /** @param strings none of them empty */
  constructor(strings: readonly string[]) {
    this.#strings = strings;
  }

  /** @returns what can be shown: an end that one of the strings may begin with is held back */
  push(piece: string): string {
    if (this.stopped) return '';
    const text = this.#held + piece;
    const found = this.#strings.map((s) => text.indexOf(s)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.stopped = true;
      this.#held = '';
      return text.slice(0, Math.min(...found));
    }
    const longest = this.#strings.reduce((n, s) => Math.max(n, s.length), 1) - 1;
    let held = Math.min(longest, text.length);
    while (held > 0 && !this.#strings.some((s) => s.startsWith(text.slice(text.length - held)))) held--;
    this.#held = text.slice(text.length - held);
    return text.slice(0, text.length - held);
  }

  /** What was held back, when nothing more comes. */
  end(): string {
    const held = this.stopped ? '' : this.#held;
    this.#held = '';
    return held;
  }
}
