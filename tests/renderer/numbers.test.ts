import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAmount, stepped } from '../../renderer/ui/numbers.ts';

describe('a number as it is typed', () => {
  it('takes commas between thousands alone: one that may be a decimal point is no number', () => {
    expect(['262,144', '1,000,000', ' 12,000 ', '1,000.5'].map(parseAmount)).toEqual([262_144, 1e6, 12_000, 1000.5]);
    for (const text of ['0,001', '3,5', '1,00', '1,0000', '12,34,567', ',5', '1,', '0,0003e-1'])
      expect(parseAmount(text), text).toBeNaN();
  });

  it('takes a sign, so that what is wrong with a negative number is said of it', () => {
    expect(['-5', ' -2.5e-3', '+3', '-1,000'].map(parseAmount)).toEqual([-5, -0.0025, 3, -1000]);
    expect(Object.is(parseAmount('-0'), 0)).toBe(true);
  });

  it('takes K, M and B, as numbers are shown', () => {
    expect(['262K', '20k', '1.5B', '13.5 B', '2M'].map(parseAmount)).toEqual([262e3, 20e3, 1.5e9, 13.5e9, 2e6]);
    for (const text of ['2m', '2G', '1.5KB', 'K', '2KK']) expect(parseAmount(text), text).toBeNaN();
  });

  it('is itself again, however a number is written by a computer', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => parseAmount(String(x)) === x));
  });
});

describe('an arrow key', () => {
  it.each([
    ['8', 1, '9'],
    ['0.95', -1, '0.94'],
    ['0.1', 1, '0.2'],
    ['-3', 1, '-2'],
    ['', 1, '1'],
    ['512', 64, '576'],
  ])('makes of %j with %i %j', (typed, by, expected) => {
    expect(stepped(typed, by, {})).toBe(expected);
  });

  it('stays within what is allowed, and leaves what is written in another way', () => {
    expect([stepped('1', -1, { min: 1 }), stepped('64', 1, { max: 64 })]).toEqual(['1', '64']);
    for (const typed of ['1e-3', '262K', '262,144', 'many']) expect(stepped(typed, 1, {}), typed).toBeUndefined();
  });
});
