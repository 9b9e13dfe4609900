import type { Tokens } from '../../../base/tokens.ts';

/** Words are remembered in so many slots, of which at most half are taken: together about 10 MB. */
const slots = 1 << 18;
const maxWords = slots / 2;
const keyBytes = 1 << 21;
const tokenRoom = 1 << 20;
/** Fields of a slot: hash, where its bytes begin, lengths (0: empty), where its tokens begin. */
const fields = 4;

export const longestWord = 40;

/** Tokens of words that have been met: text is the same words over and over. */
export class WordTable {
  readonly #slots = new Int32Array(slots * fields);
  readonly #keys = new Uint8Array(keyBytes);
  /** Wide enough for every vocabulary: one kind of array in one place is what engines compile best. */
  readonly #tokens = new Uint32Array(tokenRoom);
  #words = 0;
  #keyEnd = 0;
  #tokenEnd = 0;

  /** Where a word is or would be. @param hash of its bytes */
  find(bytes: Uint8Array, begin: number, length: number, hash: number): number {
    const [table, keys] = [this.#slots, this.#keys];
    let slot = (hash ^ (hash >>> 15)) & (slots - 1);
    search: for (; ; slot = (slot + 1) & (slots - 1)) {
      const at = slot * fields;
      const lengths = table[at + 2]!;
      if (lengths === 0) return slot;
      if (table[at] !== hash || lengths >> 8 !== length) continue;
      const key = table[at + 1]!;
      for (let i = 0; i < length; i++) if (keys[key + i] !== bytes[begin + i]) continue search;
      return slot;
    }
  }

  /** Writes the tokens of the word in a slot. @returns how many; 0 when the slot is empty */
  read(slot: number, out: Tokens, at: number): number {
    const place = slot * fields;
    const n = this.#slots[place + 2]! & 0xff;
    const from = this.#slots[place + 3]!;
    for (let i = 0; i < n; i++) out[at + i] = this.#tokens[from + i]!;
    return n;
  }

  /** Remembers a word. @param slot where `find` said it would be */
  add(slot: number, hash: number, bytes: Uint8Array, begin: number, length: number, tokens: Tokens): void {
    if (this.#words >= maxWords || this.#keyEnd + length > keyBytes || this.#tokenEnd + tokens.length > tokenRoom) {
      // Starting over is rare and simple; the words that matter are back soon.
      this.#slots.fill(0);
      this.#words = this.#keyEnd = this.#tokenEnd = 0;
      return;
    }
    this.#keys.set(bytes.subarray(begin, begin + length), this.#keyEnd);
    this.#tokens.set(tokens, this.#tokenEnd);
    this.#slots.set([hash, this.#keyEnd, (length << 8) | tokens.length, this.#tokenEnd], slot * fields);
    this.#keyEnd += length;
    this.#tokenEnd += tokens.length;
    this.#words++;
  }
}
