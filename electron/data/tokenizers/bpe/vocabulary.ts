/** Of pairs that make no token. */
export const noToken = 0xffff;

/** Merges that a table can hold: ranks are below `noToken`. */
export const maxMerges = noToken;

const mix = 0x9e3779b1;

/** A merge: two tokens, and the token that they become. */
export type Merge = readonly [left: number, right: number, token: number];

/** A merge's place among all: the lower its rank, the earlier it is made. */
interface RankedMerge {
  readonly key: number;
  readonly rank: number;
}

/** What a byte-pair encoding makes of bytes and of pairs of tokens. */
export class Vocabulary {
  /** The token of each byte. */
  readonly bytes: Uint16Array;
  /** The token that the merge of a rank makes. */
  readonly tokenOf: Uint16Array;
  readonly #keys: Uint32Array;
  readonly #ranks: Uint16Array;
  readonly #shift: number;

  private constructor(bytes: Uint16Array, tokenOf: Uint16Array, merges: readonly RankedMerge[]) {
    this.bytes = bytes;
    this.tokenOf = tokenOf;
    const bits = Math.ceil(Math.log2(3 * merges.length + 2));
    this.#shift = 32 - bits;
    this.#keys = new Uint32Array(1 << bits);
    this.#ranks = new Uint16Array(1 << bits).fill(noToken);
    for (const { key, rank } of merges) {
      let slot = this.#slot(key);
      while (this.#ranks[slot] !== noToken && this.#keys[slot] !== key) slot = (slot + 1) & (this.#keys.length - 1);
      this.#keys[slot] = key;
      this.#ranks[slot] = rank;
    }
  }

  /**
   * Tokens whose number is their rank, as tiktoken has them: every way to cut a token in two tokens is a merge that makes it.
   * @param tokens bytes of each; fewer than `maxMerges`
   */
  static ofRanks(tokens: readonly Uint8Array[]): Vocabulary {
    const texts = tokens.map((bytes) => Buffer.from(bytes).toString('latin1'));
    const byText = new Map(texts.map((text, token) => [text, token]));
    const bytes = new Uint16Array(256);
    const merges: RankedMerge[] = [];
    for (const [token, text] of texts.entries()) {
      if (text.length === 1) bytes[text.charCodeAt(0)] = token;
      for (let cut = 1; cut < text.length; cut++) {
        const [left, right] = [byText.get(text.slice(0, cut)), byText.get(text.slice(cut))];
        if (left !== undefined && right !== undefined) merges.push({ key: pairKey(left, right), rank: token });
      }
    }
    return new Vocabulary(bytes, Uint16Array.from(tokens.keys()), merges);
  }

  /**
   * A list of merges, the first of which is made first, as Hugging Face's tokenizers have them. Of a pair that is there
   * twice the last one counts, as there.
   * @param bytes the token of each of 256 bytes
   * @param merges fewer than `maxMerges`
   */
  static ofMerges(bytes: Uint16Array, merges: readonly Merge[]): Vocabulary {
    const ranked = merges.map(([left, right], rank) => ({ key: pairKey(left, right), rank }));
    return new Vocabulary(
      bytes,
      Uint16Array.from(merges, ([, , token]) => token),
      ranked,
    );
  }

  /** The rank of the merge of two tokens; `noToken` when they stay two. */
  merged(left: number, right: number): number {
    const key = pairKey(left, right);
    const last = this.#keys.length - 1;
    for (let slot = this.#slot(key); ; slot = (slot + 1) & last) {
      const rank = this.#ranks[slot]!;
      if (rank === noToken || this.#keys[slot] === key) return rank;
    }
  }

  #slot(key: number): number {
    return Math.imul(key ^ (key >>> 15), mix) >>> this.#shift;
  }
}

const pairKey = (left: number, right: number): number => ((left << 16) | right) >>> 0;
