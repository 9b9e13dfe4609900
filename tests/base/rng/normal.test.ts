import { expect, test } from 'vitest';
import { normalQuantile } from '../../../electron/base/rng/normal.ts';
import { PhiloxStream } from '../../../electron/base/rng/philox.ts';

/** The standard normal distribution function by its power series, exact to about 1e-14 for |x| ≤ 6. */
function normalCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 300; n++) {
    term *= (x * x) / (2 * n + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

test('the quantile inverts the distribution function', () => {
  for (let x = -5; x <= 5; x += 0.01) {
    const p = normalCdf(x);
    const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    expect(Math.abs(normalQuantile(p) - x), `at ${x}`).toBeLessThan(1e-13 / density + 1e-12);
  }
});

test('known quantiles: the median, the quartile, and far tails', () => {
  expect(normalQuantile(0.5)).toBe(0);
  expect(normalQuantile(0.75)).toBeCloseTo(0.6744897501960817, 14);
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 14);
  expect(normalQuantile(1e-10)).toBeCloseTo(-6.361340902404056, 11);
  expect(normalQuantile(2 ** -33)).toBeCloseTo(-normalQuantile(1 - 2 ** -33), 6);
});

test('draws have the mean, deviation, skew and tails of the normal distribution', () => {
  const n = 200_000;
  const draws = new Float32Array(n);
  new PhiloxStream(11, 0).fillNormal(draws, 2);
  const moment = (k: number) => draws.reduce((sum, x) => sum + (x / 2) ** k, 0) / n;
  expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
  expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
  expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
  expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
  // Kolmogorov and Smirnov: the largest distance between the two distribution functions, p = 0.001.
  const sorted = Float64Array.from(draws, (x) => x / 2).sort();
  let distance = 0;
  for (let i = 0; i < n; i += 37) distance = Math.max(distance, Math.abs((i + 0.5) / n - normalCdf(sorted[i]!)));
  expect(distance).toBeLessThan(1.95 / Math.sqrt(n));
});
