import { expect, it } from 'vitest';
import type { WrittenToken } from '../../electron/api/types.ts';
import { piecesOf } from '../../renderer/pages/samples/tokens.ts';

const token = (text: string | null): WrittenToken => ({ text, probability: 0.5, rank: 1, top: [] });
const shown = (...texts: (string | null)[]) =>
  piecesOf(texts.map(token)).map(({ text, ends, tokens }) => [text, ends, tokens.length]);

it('groups tokens by the characters that they make', () => {
  expect(shown('a', '', '', 'é', ' b')).toEqual([
    ['a', false, 1],
    ['é', false, 3],
    [' b', false, 1],
  ]);
});

it('shows the end of the text, and a character that was cut off', () => {
  expect(shown('a', null)).toEqual([
    ['a', false, 1],
    ['', true, 1],
  ]);
  expect(shown('a', '')).toEqual([
    ['a', false, 1],
    ['', false, 1],
  ]);
  expect(shown()).toEqual([]);
});
