/** GPT-2's pattern (Radford et al. 2019): text is split by it, and no token goes across a split. */
const pattern = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Words remembered, and how long they may be: together about 20 MB. */
const mostWords = 1 << 17;
const longestWord = 32;

/**
 * Encodes text word by word and remembers the tokens of words: text is the same words over and over, so that most of it is
 * looked up.
 * @param encode the tokens of one word
 */
export class WordEncoder {
  readonly #encode: (word: string) => readonly number[];
  readonly #known = new Map<string, readonly number[]>();

  constructor(encode: (word: string) => readonly number[]) {
    this.#encode = encode;
  }

  encode(text: string): Uint16Array {
    let tokens = new Uint16Array(text.length + 16);
    let n = 0;
    for (const word of text.match(pattern) ?? []) {
      const found = this.#known.get(word) ?? this.#learn(word);
      if (n + found.length > tokens.length) {
        // A character can take several tokens.
        const larger = new Uint16Array(2 * tokens.length + found.length);
        larger.set(tokens);
        tokens = larger;
      }
      for (let i = 0; i < found.length; i++) tokens[n++] = found[i]!;
    }
    return tokens.slice(0, n);
  }

  #learn(word: string): readonly number[] {
    const tokens = this.#encode(word);
    if (word.length > longestWord) return tokens;
    // Starting over is rare and simple; the words that matter are back soon.
    if (this.#known.size >= mostWords) this.#known.clear();
    this.#known.set(word, tokens);
    return tokens;
  }
}
