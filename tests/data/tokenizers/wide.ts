import { letters } from '../../../electron/data/tokenizers/bpe/letters.ts';

/** Tokens of the vocabulary below: ids beyond 16 bits are tokens of four letters, such as "dryx". */
export const wideSize = 70_000;
export const wideEnd = '<|endoftext|>';

const az = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i));
const pairs = az.flatMap((a) => az.map((b) => a + b));

/** A byte-level BPE: all bytes, all pairs of small letters, then pairs of these as far as there is room, and the end of text. */
function* mergesOf(count: number): Generator<readonly [left: string, right: string]> {
  for (const [a, b] of pairs) yield [a!, b!];
  let left = count - pairs.length;
  for (const a of pairs) for (const b of pairs) if (left-- > 0) yield [a, b];
}

const merges = [...mergesOf(wideSize - 1 - letters.length)];
const tokens = [...letters, ...merges.map((m) => m.join('')), wideEnd];
const vocab = Object.fromEntries(tokens.map((text, id) => [text, id]));

/** Its files as GPT-2's were published. */
export const wideParts = {
  'vocab.json': vocab,
  'merges.txt': ['#version: 0.2', ...merges.map((m) => m.join(' ')), ''].join('\n'),
  'special_tokens_map.json': { bos_token: wideEnd, eos_token: wideEnd, unk_token: wideEnd },
};

/** Its files as today's libraries have them. */
export const wideWhole = {
  'tokenizer.json': {
    version: '1.0',
    added_tokens: [{ id: wideSize - 1, content: wideEnd, special: true }],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    model: { type: 'BPE', vocab, merges: merges.map((m) => m.join(' ')) },
  },
  'tokenizer_config.json': { tokenizer_class: 'GPT2Tokenizer', bos_token: wideEnd, eos_token: wideEnd },
};

const words = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const rankOf = new Map(merges.map(([left, right], rank) => [`${left} ${right}`, rank]));

/** Byte-pair encoding by its definition (Sennrich et al. 2016), with strings alone: of all neighbors the first merge, the leftmost. */
export function encodedPlainly(text: string): number[] {
  return (text.match(words) ?? []).flatMap((word) => {
    const parts = Array.from(Buffer.from(word), (byte) => letters[byte]!);
    for (;;) {
      let [best, at] = [Infinity, -1];
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = rankOf.get(`${parts[i]} ${parts[i + 1]}`) ?? Infinity;
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) return parts.map((part) => vocab[part]!);
      parts.splice(at, 2, parts[at]! + parts[at + 1]!);
    }
  });
}

/** Text with something to learn in which about every second word is a token beyond 16 bits. */
export const wideText = (count: number): string =>
  Array.from({ length: count }, (_, i) => ['dryx', 'the', 'dsum', 'drop', 'no'][(i * i * 3 + i) % 5]!)
    .map((word, i) => (i % 9 === 8 ? `${word}.\n` : `${word} `))
    .join('');
