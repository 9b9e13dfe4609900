/** Of pairs that make no token. */
export const noToken = 0xffff;

const mix = 0x9e3779b1;

/** Tokens of a byte-pair encoding by what they are made of. */
export class Vocabulary {
  /** The token of each byte. */
  readonly bytes = new Uint16Array(256);
  readonly #keys: Uint32Array;
  readonly #tokens: Uint16Array;
  readonly #shift: number;

  /**
   * @param tokens bytes of each token; a token's number is its rank: the lower, the earlier pairs become it. Fewer than
   * 65535.
   */
  constructor(tokens: readonly Uint8Array[]) {
    const texts = tokens.map((bytes) => Buffer.from(bytes).toString('latin1'));
    const byText = new Map(texts.map((text, token) => [text, token]));
    // Every way to cut a token in two tokens is a pair that becomes it, as in tiktoken.
    const pairs: [key: number, token: number][] = [];
    for (const [token, text] of texts.entries()) {
      if (text.length === 1) this.bytes[text.charCodeAt(0)] = token;
      for (let cut = 1; cut < text.length; cut++) {
        const [left, right] = [byText.get(text.slice(0, cut)), byText.get(text.slice(cut))];
        if (left !== undefined && right !== undefined) pairs.push([pairKey(left, right), token]);
      }
    }
    const bits = Math.ceil(Math.log2(3 * pairs.length + 2));
    this.#shift = 32 - bits;
    this.#keys = new Uint32Array(1 << bits);
    this.#tokens = new Uint16Array(1 << bits).fill(noToken);
    for (const [key, token] of pairs) {
      let slot = this.#slot(key);
      while (this.#tokens[slot] !== noToken) slot = (slot + 1) & (this.#keys.length - 1);
      this.#keys[slot] = key;
      this.#tokens[slot] = token;
    }
  }

  /** The token that two tokens become; `noToken` when they stay two. */
  merged(left: number, right: number): number {
    const key = pairKey(left, right);
    const last = this.#keys.length - 1;
    for (let slot = this.#slot(key); ; slot = (slot + 1) & last) {
      const token = this.#tokens[slot]!;
      if (token === noToken || this.#keys[slot] === key) return token;
    }
  }

  #slot(key: number): number {
    return Math.imul(key ^ (key >>> 15), mix) >>> this.#shift;
  }
}

const pairKey = (left: number, right: number): number => ((left << 16) | right) >>> 0;
