import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDigits,
  formatDuration,
  formatLoss,
  formatPerplexity,
  formatRate,
  formatShort,
  plural,
} from '../../electron/base/format.ts';
import * as page from '../../renderer/format.ts';

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

  it('show a loss that was measured as what it was, however small, large or overflowed', () => {
    expect([2.5, 0, 1e-30, 3e-5, -0.5, 1e30].map((x) => formatLoss(x))).toEqual(['2.5000', '0.0000', '1.00e-30', '3.00e-5', '-0.5000', '1.00e+30']); // prettier-ignore
    expect([null, NaN, Infinity, -Infinity].map((x) => formatLoss(x))).toEqual(['–', 'NaN', '∞', '−∞']);
    expect([0, Math.log(50257), 100, 800, NaN].map((x) => formatPerplexity(x))).toEqual(['1.00', '50,257.00', '2.69e+43', '∞', 'NaN']); // prettier-ignore
    expect([1e14, 1e32, Infinity, NaN].map(formatShort)).toEqual(['100T', '1.00e+32', '∞', 'NaN']);
  });

  it('never lose a unit at a power of it', () => {
    expect([999, 999.6, 1000, 999_499, 999_600, 1e6].map(formatShort)).toEqual(['999', '1K', '1K', '999K', '1M', '1M']); // prettier-ignore
    expect([1023, 1024, 2 ** 20].map((n) => formatBytes(n))).toEqual(['1023 B', '1.00 KiB', '1.00 MiB']);
    expect([59.6, 3600, 90_000, Infinity].map(formatDuration)).toEqual(['1m 00s', '1h 00m', '1d 01h', '–']);
    expect([0, 0.001, 0.34, 0.94, 0.96, -1].map(formatDuration)).toEqual(['0s', '0.1s', '0.3s', '0.9s', '1s', '0s']);
    const days = (n: number): string => formatDuration(n * 86_400);
    expect([364, 365, 8592, 1e6].map(days)).toEqual(['364d 00h', '1y 0d', '23y 197d', '2,739y 265d']);
    expect([0, 6e-4, 0.25].map(formatRate)).toEqual(['0', '6e-4', '0.25']);
    expect(formatDigits(3.25, 5)).toBe('3.25');
  });
});
