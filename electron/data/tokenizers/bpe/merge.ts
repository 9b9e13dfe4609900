import type { Tokens } from '../../../base/tokens.ts';
import { mergeLong } from './mergeLong.ts';
import { noToken, type Vocabulary } from './vocabulary.ts';

/** Bytes of words whose pairs are looked through again after each merge. */
const shortWord = 96;

/**
 * Byte-pair encoding of one word (Sennrich et al. 2016): the pair of the lowest rank, the leftmost of several, becomes one
 * token until no pair does.
 */
export class Merger {
  readonly #vocabulary: Vocabulary;
  readonly #tokens = new Int32Array(shortWord);
  /** What each token and the next one become. */
  readonly #ranks = new Int32Array(shortWord);

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /**
   * Writes the tokens of bytes begin … end - 1, of which there is one at least.
   * @param out has room for as many tokens as there are bytes
   * @returns how many tokens they are
   */
  merge(bytes: Uint8Array, begin: number, end: number, out: Tokens, at: number): number {
    const vocabulary = this.#vocabulary;
    if (end - begin > shortWord) {
      const tokens = mergeLong(vocabulary, bytes, begin, end);
      out.set(tokens, at);
      return tokens.length;
    }
    const [tokens, ranks] = [this.#tokens, this.#ranks];
    let n = end - begin;
    for (let i = 0; i < n; i++) tokens[i] = vocabulary.bytes[bytes[begin + i]!]!;
    for (let i = 0; i + 1 < n; i++) ranks[i] = vocabulary.merged(tokens[i]!, tokens[i + 1]!);
    for (;;) {
      let best = noToken;
      let where = -1;
      for (let i = 0; i + 1 < n; i++) {
        if (ranks[i]! < best) {
          best = ranks[i]!;
          where = i;
        }
      }
      if (where < 0) break;
      const made = vocabulary.tokenOf[best]!;
      tokens[where] = made;
      n--;
      for (let i = where + 1; i < n; i++) {
        tokens[i] = tokens[i + 1]!;
        ranks[i] = ranks[i + 1]!;
      }
      if (where > 0) ranks[where - 1] = vocabulary.merged(tokens[where - 1]!, made);
      if (where + 1 < n) ranks[where] = vocabulary.merged(made, tokens[where + 1]!);
    }
    for (let i = 0; i < n; i++) out[at + i] = tokens[i]!;
    return n;
  }
}
