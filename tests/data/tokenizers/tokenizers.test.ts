import fs from 'node:fs';
import fc from 'fast-check';
import { encode as encodePlainly } from 'gpt-tokenizer/encoding/r50k_base';
import { describe, expect, it } from 'vitest';
import { classOf, letter, number, other, space } from '../../../electron/data/tokenizers/bpe/classes.ts';
import { getTokenizer } from '../../../electron/data/tokenizers/index.ts';
import { goldenPath, textPath } from '../../golden/path.ts';

const names = ['gpt2', 'bytes'] as const;
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('<|endoftext|>', 'a <|endoftext|> b', '\u0000', '\ufeffa', 'İ', '👩‍👩‍👧', 'ünïcödé 漢字 かな ﷺ'),
);
/** Lone surrogates are no text: in UTF-8 they become U+FFFD. */
const asUtf8 = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');

describe.each(names)('the %s tokenizer', (name) => {
  const tokenizer = getTokenizer(name);

  it('gives back any text, whole and token by token, and never makes an end of text of it', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const tokens = tokenizer.encode(text);
        expect(tokenizer.decode(tokens)).toBe(asUtf8(text));
        expect(tokens.every((t) => t < tokenizer.vocabSize && t !== tokenizer.endOfText)).toBe(true);
        const decoder = tokenizer.streamDecoder();
        const pieces = Array.from(tokens, (t) => decoder.push(t));
        expect(pieces.join('') + decoder.end()).toBe(asUtf8(text));
      }),
    );
  });

  it('leaves the end of text out and breaks at no token', () => {
    const tokens = [tokenizer.endOfText, ...tokenizer.encode('abc'), tokenizer.endOfText];
    expect(tokenizer.decode(tokens)).toBe('abc');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: tokenizer.vocabSize - 1 }), { maxLength: 20 }), (any) => {
        expect(typeof tokenizer.decode(any)).toBe('string');
      }),
    );
  });
});

const cases = JSON.parse(fs.readFileSync(goldenPath('tokens-gpt2.json'), 'utf8')) as readonly {
  readonly text: string;
  readonly ids: number[];
}[];

it.each(cases)('GPT-2 tokens of $text are those of two other implementations', ({ text, ids }) => {
  const tokenizer = getTokenizer('gpt2');
  expect([...tokenizer.encode(text)]).toEqual(ids);
  expect(tokenizer.decode(ids)).toBe(text);
});

describe('tokens of remembered words', () => {
  const plain = (text: string) => [...encodePlainly(text, { disallowedSpecial: new Set<string>() })];
  const { encode } = getTokenizer('gpt2');
  /** That library takes JavaScript's classes, of this Node's Unicode: where those differ it is no reference. */
  const isComparable = (text: string) =>
    Array.from(text).every((c) => {
      const kind = /\p{L}/u.test(c) ? letter : /\p{N}/u.test(c) ? number : /\s/u.test(c) ? space : other;
      return classOf(c.codePointAt(0)!) === kind;
    });

  it('are those of the whole text, whatever it is', () => {
    const any = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc
        .array(
          fc.constantFrom(
            "'s",
            "'ll",
            ' ',
            '  ',
            '\n',
            '\t',
            'a',
            'Z',
            '1',
            '٣',
            'é',
            '漢',
            '👍🏽',
            '\ud800',
            '\udc00',
            '<|endoftext|>',
            '\u00a0',
            "'",
            '."',
          ),
          { maxLength: 40 },
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(any.filter(isComparable), (text) => {
        expect([...encode(text)]).toEqual(plain(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('stay right when there are more words than are remembered', () => {
    const word = (i: number): string => ` ${Math.imul(i, 0x9e3779b1) >>> 0}x${i}y`;
    const text = Array.from({ length: 120_000 }, (_, i) => word(i)).join('');
    const tokens = [...encode(text)];
    expect(getTokenizer('gpt2').decode(tokens)).toBe(text);
    for (const i of [0, 7, 119_999]) expect([...encode(word(i))]).toEqual(plain(word(i)));
    expect(tokens.slice(-200)).toEqual(plain(text.slice(-2000)).slice(-200));
  });

  it('are those of real text', () => {
    for (const file of ['tinyshakespeare.txt', 'hellaswag_val_1000.jsonl']) {
      const text = fs.readFileSync(textPath(file), 'utf8');
      expect([...encode(text)]).toEqual(plain(text));
    }
  });
});
