/** Tokens that are put behind each other. */
export class TokenBuffer {
  tokens: Uint16Array;
  length = 0;

  constructor(capacity = 1 << 16) {
    this.tokens = new Uint16Array(capacity);
  }

  /** Makes room for so many more. */
  reserve(more: number): void {
    if (this.length + more <= this.tokens.length) return;
    const larger = new Uint16Array(Math.max(2 * this.tokens.length, this.length + more));
    larger.set(this.tokens.subarray(0, this.length));
    this.tokens = larger;
  }

  push(token: number): void {
    this.reserve(1);
    this.tokens[this.length++] = token;
  }

  /** A copy of what is in it. */
  slice(): Uint16Array {
    return this.tokens.slice(0, this.length);
  }
}
