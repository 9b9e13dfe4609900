import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { classOf } from '../../../../electron/data/tokenizers/bpe/classes.ts';
import { letters, numbers, spaces } from '../../../../electron/data/tokenizers/bpe/classTable.ts';
import { wordEnd } from '../../../../electron/data/tokenizers/bpe/split.ts';

/** Members of a class as a regular expression has them between brackets. */
function members(lengths: string): string {
  let [begin, ranges] = [0, ''];
  for (const [i, length] of lengths.split(' ').entries()) {
    const end = begin + Number.parseInt(length, 36);
    if (i % 2 === 1) ranges += `\\u{${begin.toString(16)}}-\\u{${(end - 1).toString(16)}}`;
    begin = end;
  }
  return ranges;
}
const [l, n, s] = [letters, numbers, spaces].map(members);

/** As published with GPT-2, with what its classes are spelled out. */
const pattern = new RegExp(
  `'(?:[sdmt]|ll|ve|re)| ?[${l}]+| ?[${n}]+| ?[^${s}${l}${n}]+|[${s}]+(?![^${s}])|[${s}]+`,
  'gu',
);

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
    "'", "'s", "'ll", "'v", "'re", "'T", 's', 'l', 've', ' ', '  ', '\n', '\r\n', '\t', '\u00a0', '\u2028', '\u3000', '\ufeff', '\u0085', '\u001c', '\u180e',
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

it('has the classes of the reference, whatever Unicode this Node knows', () => {
  // Printed by tests/data/tokenizers/bpe/reference/classes.py, which reads them off tiktoken and tokenizers.
  const sha256 = 'f0d437b3a7a9bbcd0076e4ee210849bcaca38600250e20d155db15b728919bc6';
  const classes = Uint8Array.from({ length: 0x110000 }, (_, code) => classOf(code));
  expect(createHash('sha256').update(classes).digest('hex')).toBe(sha256);
});

it('takes for white space what the reference does, and not what JavaScript does', () => {
  expect(split('\n\n\ufeffHello')).toEqual(['\n', '\n', '\ufeff', 'Hello']);
  expect(split('a  \u0085b')).toEqual(['a', '  ', '\u0085', 'b']);
  expect(split('a\u0085\u0085b')).toEqual(['a', '\u0085', '\u0085', 'b']);
  expect(split('   \ufeffx')).toEqual(['  ', ' \ufeff', 'x']);
  expect(split('a\n\n\u001cb')).toEqual(['a', '\n', '\n', '\u001c', 'b']);
});
