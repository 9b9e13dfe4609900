import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wordEnd } from '../../../electron/data/tokenizers/bpe/split.ts';

/** As published with GPT-2, in the engine's own regular expressions. */
const pattern = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

function split(text: string): string[] {
  const bytes = Buffer.from(text);
  const words: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = wordEnd(bytes, at, bytes.length);
    words.push(bytes.subarray(at, end).toString());
    at = end;
  }
  return words;
}
const plainly = (text: string): readonly string[] => text.match(pattern) ?? [];

it('splits text as the pattern does, whatever is in it', () => {
  // prettier-ignore
  const pieces = fc.constantFrom(
    "'", "'s", "'ll", "'v", "'re", "'T", 's', 'l', 've', ' ', '  ', '\n', '\r\n', '\t', '\u00a0', '\u2028', '\u3000', '\ufeff',
    'a', 'Z', 'é', 'е\u0301', '漢', '𝒳', '𐐷', '1', '٣', '½', 'Ⅷ', '𝟘', '.', '—', '👍🏽', '\u200d', '\u0000', '\u{10ffff}',
  );
  const text = fc.oneof(
    fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 60 }).map((s) => s.toWellFormed()),
  );
  fc.assert(
    fc.property(text, (text) => {
      expect(split(text)).toEqual(plainly(text));
    }),
    { numRuns: 5000 },
  );
});

it('knows the class of every character', () => {
  const wrong: number[] = [];
  for (let code = 0; code < 0x110000; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    // Beside a letter, a number, a space and something else, each class is split in its own way.
    const c = String.fromCodePoint(code);
    const text = `a${c}1${c}.${c} ${c}`;
    const [got, expected] = [split(text), plainly(text)];
    if (got.length !== expected.length || got.some((word, i) => word !== expected[i])) wrong.push(code);
  }
  expect(wrong).toEqual([]);
});
