/** Of pairs that make no token. */
export const noToken = 2 ** 31 - 1;

/** Merges that a table can hold: ranks are below `noToken`. */
export const maxMerges = noToken;

const mix = 0x9e3779b1;
/** Numbers of an entry of the table: three, and one that makes places powers of two. */
const fields = 4;

/** A merge: two tokens, and the token that they become. */
export type Merge = readonly [left: number, right: number, token: number];

/** A merge's place among all: the lower its rank, the earlier it is made. */
interface RankedMerge {
  readonly left: number;
  readonly right: number;
  readonly rank: number;
}

/** What a byte-pair encoding makes of bytes and of pairs of tokens. */
export class Vocabulary {
  /** The token of each byte. */
  readonly bytes: Int32Array;
  /** The token that the merge of a rank makes. */
  readonly tokenOf: Int32Array;
  /** Pairs by a hash of them: left, right, rank (`noToken`: empty). A pair is found in one line of the processor's cache. */
  readonly #table: Int32Array;
  readonly #shift: number;

  private constructor(bytes: Int32Array, tokenOf: Int32Array, merges: readonly RankedMerge[]) {
    this.bytes = bytes;
    this.tokenOf = tokenOf;
    const bits = Math.ceil(Math.log2(3 * merges.length + 2));
    this.#shift = 32 - bits;
    const table = (this.#table = new Int32Array(fields << bits));
    for (let at = 2; at < table.length; at += fields) table[at] = noToken;
    for (const { left, right, rank } of merges) {
      let at = this.#place(left, right);
      while (table[at + 2] !== noToken && (table[at] !== left || table[at + 1] !== right))
        at = (at + fields) & (table.length - 1);
      table[at] = left;
      table[at + 1] = right;
      table[at + 2] = rank;
    }
  }

  /**
   * Tokens whose number is their rank, as tiktoken has them: every way to cut a token in two tokens is a merge that makes it.
   * @param tokens bytes of each; fewer than `maxMerges`
   */
  static ofRanks(tokens: readonly Uint8Array[]): Vocabulary {
    const texts = tokens.map((bytes) => Buffer.from(bytes).toString('latin1'));
    const byText = new Map(texts.map((text, token) => [text, token]));
    const bytes = new Int32Array(256);
    const merges: RankedMerge[] = [];
    for (const [token, text] of texts.entries()) {
      if (text.length === 1) bytes[text.charCodeAt(0)] = token;
      for (let cut = 1; cut < text.length; cut++) {
        const [left, right] = [byText.get(text.slice(0, cut)), byText.get(text.slice(cut))];
        if (left !== undefined && right !== undefined) merges.push({ left, right, rank: token });
      }
    }
    return new Vocabulary(bytes, Int32Array.from(tokens.keys()), merges);
  }

  /**
   * A list of merges, the first of which is made first, as Hugging Face's tokenizers have them. Of a pair that is there
   * twice the last one counts, as there.
   * @param bytes the token of each of 256 bytes
   * @param merges fewer than `maxMerges`
   */
  static ofMerges(bytes: ArrayLike<number>, merges: readonly Merge[]): Vocabulary {
    const ranked = merges.map(([left, right], rank) => ({ left, right, rank }));
    return new Vocabulary(
      Int32Array.from(bytes),
      Int32Array.from(merges, ([, , token]) => token),
      ranked,
    );
  }

  /** The rank of the merge of two tokens; `noToken` when they stay two. */
  merged(left: number, right: number): number {
    const table = this.#table;
    const last = table.length - 1;
    for (let at = this.#place(left, right); ; at = (at + fields) & last) {
      const rank = table[at + 2]!;
      if (rank === noToken || (table[at] === left && table[at + 1] === right)) return rank;
    }
  }

  /** Where a pair is, or one of the places behind that: any that is not taken. */
  #place(left: number, right: number): number {
    const key = Math.imul(left, 0x10001) ^ right;
    return fields * (Math.imul(key ^ (key >>> 15), mix) >>> this.#shift);
  }
}
