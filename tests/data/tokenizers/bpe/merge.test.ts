import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Merger } from '../../../../electron/data/tokenizers/bpe/merge.ts';
import { mergeLong } from '../../../../electron/data/tokenizers/bpe/mergeLong.ts';
import { Vocabulary } from '../../../../electron/data/tokenizers/bpe/vocabulary.ts';

const tokens = ranks.slice(0, 50256).map((piece) => Buffer.from(piece as string | number[] as string));
const rankOf = new Map(tokens.map((bytes, rank) => [bytes.toString('latin1'), rank]));
let vocabulary: Vocabulary;
beforeAll(() => {
  vocabulary = Vocabulary.ofRanks(tokens);
});

/** The definition, step by step: of all neighbors that make a token, those of the lowest rank, the leftmost, become it. */
function plainly(bytes: Uint8Array): number[] {
  const parts = Array.from(bytes, (b) => String.fromCharCode(b));
  for (;;) {
    let best: { rank: number; at: number } | undefined;
    for (let at = 0; at + 1 < parts.length; at++) {
      const rank = rankOf.get(parts[at]! + parts[at + 1]!);
      if (rank !== undefined && (!best || rank < best.rank)) best = { rank, at };
    }
    if (!best) return parts.map((part) => rankOf.get(part)!);
    parts.splice(best.at, 2, parts[best.at]! + parts[best.at + 1]!);
  }
}

const bytes = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 200 }),
  fc
    .array(fc.constantFrom('a', 'ab', 'the', 'ing', 'A', 'AA', '=', '-', '0', 'é', '漢', 'ation'), {
      minLength: 1,
      maxLength: 150,
    })
    .map((parts) => Uint8Array.from(Buffer.from(parts.join('')))),
);

describe('byte-pair encoding', () => {
  it('merges as it is defined, short words and long ones', () => {
    const merger = new Merger(vocabulary);
    fc.assert(
      fc.property(bytes, fc.nat(5), (word, before) => {
        const within = Uint8Array.from([...new Uint8Array(before).fill(65), ...word]);
        const out = new Uint16Array(within.length + before);
        const n = merger.merge(within, before, within.length, out, before);
        const expected = plainly(word);
        expect([...out.subarray(before, before + n)]).toEqual(expected);
        expect([...mergeLong(vocabulary, within, before, within.length)]).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('makes every token of its own bytes', () => {
    const merger = new Merger(vocabulary);
    const out = new Uint16Array(256);
    const wrong = tokens.filter((word, token) => {
      const n = merger.merge(word, 0, word.length, out, 0);
      return n !== 1 || out[0] !== token;
    });
    expect(wrong).toEqual([]);
  });

  it('takes a word of a million characters', () => {
    const word = Buffer.from('ab'.repeat(500_000));
    const merged = mergeLong(vocabulary, word, 0, word.length);
    expect(Buffer.concat(Array.from(merged, (t) => tokens[t]!)).equals(word)).toBe(true);
    // What is far from the ends repeats, as in a short one.
    expect([...merged.subarray(0, 100)]).toEqual(plainly(Buffer.from('ab'.repeat(500))).slice(0, 100));
  });
});
