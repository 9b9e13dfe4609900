import { Merger } from './merge.ts';
import { wordEnd } from './split.ts';
import type { TokenBuffer } from './tokenBuffer.ts';
import type { Vocabulary } from './vocabulary.ts';
import { longestWord, WordTable } from './words.ts';

/** Encodes text word by word: most words have been met before, and their tokens are looked up. */
export class Encoder {
  readonly #merger: Merger;
  readonly #words = new WordTable();

  constructor(vocabulary: Vocabulary) {
    this.#merger = new Merger(vocabulary);
  }

  /** Appends the tokens of well-formed UTF-8. */
  encode(bytes: Uint8Array, out: TokenBuffer): void {
    const words = this.#words;
    const end = bytes.length;
    for (let begin = 0; begin < end;) {
      const stop = wordEnd(bytes, begin, end);
      const length = stop - begin;
      out.reserve(length);
      if (length > longestWord) {
        out.length += this.#merger.merge(bytes, begin, stop, out.tokens, out.length);
      } else {
        // FNV-1a (Fowler, Noll & Vo).
        let hash = 0x811c9dc5 | 0;
        for (let i = begin; i < stop; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
        const slot = words.find(bytes, begin, length, hash);
        let n = words.read(slot, out.tokens, out.length);
        if (n === 0) {
          n = this.#merger.merge(bytes, begin, stop, out.tokens, out.length);
          words.add(slot, hash, bytes, begin, length, out.tokens.subarray(out.length, out.length + n));
        }
        out.length += n;
      }
      begin = stop;
    }
  }
}
