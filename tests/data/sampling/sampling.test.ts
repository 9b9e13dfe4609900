import fc from 'fast-check';
import { expect, test } from 'vitest';
import { permuted, validationWindows, WindowSampler } from '../../../electron/data/sampling/index.ts';
import type { TokenSource } from '../../../electron/data/dataset/index.ts';

/** Tokens that are their own places. */
const counting = (tokens: number): TokenSource => ({
  tokens,
  window: (start, length) => Int32Array.from({ length }, (_, i) => start + i),
});

const key = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test('a permutation holds each index once, whatever its size', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 700 }), key, (size, key) => {
      const seen = new Set(Array.from({ length: size }, (_, i) => permuted(i, size, key)));
      expect(seen.size).toBe(size);
      for (const x of seen) if (!(x >= 0 && x < size)) expect.fail(`${x} of ${size}`);
    }),
  );
});

test('large permutations stay inside, and keys give different ones', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 2 ** 32 }), key, key, fc.nat(999), (size, a, b, first) => {
      const row = (key: number) => Array.from({ length: 8 }, (_, i) => permuted((first + i) % size, size, key));
      for (const x of row(a)) expect(x >= 0 && x < size).toBe(true);
      if (a !== b) expect(row(a)).not.toEqual(row(b));
    }),
  );
});

test('a permutation looks shuffled: neighbors do not stay together', () => {
  const size = 10_000;
  const near = Array.from({ length: size - 1 }, (_, i) => Math.abs(permuted(i + 1, size, 5) - permuted(i, size, 5)));
  const mean = near.reduce((a, b) => a + b, 0) / near.length;
  expect(Math.abs(mean / (size / 3) - 1)).toBeLessThan(0.05); // the mean distance of two random places
});

test('each window comes once an epoch; targets are inputs moved by one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 2, max: 600 }),
      fc.maxSafeNat(),
      (contextLength, extra, seed) => {
        const sampler = new WindowSampler(counting(contextLength + extra), { contextLength, seed });
        for (const epoch of [0, 1, 5]) {
          const starts = new Set<number>();
          for (let i = 0; i < sampler.windows; i++) {
            const { inputs, targets } = sampler.read(epoch * sampler.windows + i);
            expect(inputs.length).toBe(contextLength);
            expect([...targets]).toEqual([...inputs].map((t) => t + 1));
            starts.add(inputs[0]!);
          }
          const sorted = [...starts].sort((a, b) => a - b);
          expect(sorted.length).toBe(sampler.windows);
          for (let i = 1; i < sorted.length; i++) expect(sorted[i]! - sorted[i - 1]!).toBe(contextLength);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('the n-th window is a pure function of seed and n, and epochs and seeds differ', () => {
  const at = (seed: number, first: number) => {
    const sampler = new WindowSampler(counting(5000), { contextLength: 8, seed });
    return Array.from({ length: 20 }, (_, i) => sampler.read(first + i).inputs[0]);
  };
  const { windows } = new WindowSampler(counting(5000), { contextLength: 8, seed: 1 });
  expect(at(1, 40)).toEqual(at(1, 40));
  expect(at(1, 0)).not.toEqual(at(1, windows));
  expect(at(1, 0)).not.toEqual(at(2, 0));
});

test('too little text is refused with what is needed', () => {
  expect(() => new WindowSampler(counting(64), { contextLength: 64, seed: 1 })).toThrow(
    /training data has 64 tokens and one window needs 65.*context of at most 63/,
  );
  expect(() => validationWindows(counting(3), 8, 10)).toThrow(/validation data has 3 tokens/);
});

test('validation windows are always the same, apart, and spread over the whole split', () => {
  const { count, read } = validationWindows(counting(10_001), 10, 50);
  expect(count).toBe(50);
  const starts = Array.from({ length: count }, (_, i) => read(i).inputs[0]!);
  expect(starts[0]).toBe(0);
  for (let i = 1; i < count; i++) expect(starts[i]! - starts[i - 1]!).toBe(200);
  expect(validationWindows(counting(35), 10, 50).count).toBe(3);
});
