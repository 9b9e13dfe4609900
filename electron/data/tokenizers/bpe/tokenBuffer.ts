import { type TokenBytes, type Tokens, zeroTokens } from '../../../base/tokens.ts';

/** Tokens that are put behind each other. */
export class TokenBuffer {
  tokens: Tokens;
  length = 0;
  readonly #bytes: TokenBytes;

  /** @param bytes of each token: those of the vocabulary that they are of */
  constructor(capacity = 1 << 16, bytes: TokenBytes = 2) {
    this.#bytes = bytes;
    this.tokens = zeroTokens(bytes, capacity);
  }

  /** Makes room for so many more. */
  reserve(more: number): void {
    if (this.length + more <= this.tokens.length) return;
    const larger = zeroTokens(this.#bytes, Math.max(2 * this.tokens.length, this.length + more));
    larger.set(this.tokens.subarray(0, this.length));
    this.tokens = larger;
  }

  push(token: number): void {
    this.reserve(1);
    this.tokens[this.length++] = token;
  }

  /** A copy of what is in it. */
  slice(): Tokens {
    return this.tokens.slice(0, this.length);
  }
}
