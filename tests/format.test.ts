import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDigits,
  formatDuration,
  formatRate,
  formatShort,
  plural,
} from '../electron/format.ts';
import * as page from '../renderer/lib/format.ts';

describe('numbers for people', () => {
  it('are written by the same functions on the page and in a terminal', () => {
    expect([page.formatCount, page.formatShort, page.formatBytes, page.formatDuration, page.plural]).toEqual([
      formatCount,
      formatShort,
      formatBytes,
      formatDuration,
      plural,
    ]);
  });

  it('have one of a thing in the singular, and separators from a thousand on', () => {
    expect([0, 1, 2, 1234].map((n) => plural(n, 'step'))).toEqual(['0 steps', '1 step', '2 steps', '1,234 steps']);
    expect(plural(2, 'copy', 'copies')).toBe('2 copies');
  });

  it('never lose a unit at a power of it', () => {
    expect([999, 999.6, 1000, 999_499, 999_600, 1e6].map(formatShort)).toEqual(['999', '1.00 k', '1.00 k', '999 k', '1.00 M', '1.00 M']); // prettier-ignore
    expect([1023, 1024, 2 ** 20].map((n) => formatBytes(n))).toEqual(['1023 B', '1.00 KiB', '1.00 MiB']);
    expect([59.6, 3600, 90_000, Infinity].map(formatDuration)).toEqual(['1m 00s', '1h 00m', '1d 01h', '–']);
    expect([0, 6e-4, 0.25].map(formatRate)).toEqual(['0', '6e-4', '0.25']);
    expect(formatDigits(3.25, 5)).toBe('3.25');
  });
});
