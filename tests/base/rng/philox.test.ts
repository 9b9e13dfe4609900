import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PhiloxStream, philox4x32 } from '../../../electron/base/rng/philox.ts';

/** Philox4x32-10 of Random123's known-answer file: counter, key, result. */
const known: readonly (readonly [readonly number[], readonly number[], readonly number[]])[] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

test.each(known)('gives the published words for counter %j and key %j', (counter, key, expected) => {
  const out = new Uint32Array(4);
  const [a, b, c, d] = counter as [number, number, number, number];
  philox4x32(a, b, c, d, key[0]!, key[1]!, out);
  expect([...out]).toEqual(expected);
});

const words = (seed: number, stream: number, n: number): number[] => {
  const random = new PhiloxStream(seed, stream);
  return Array.from({ length: n }, () => random.nextUint32());
};

test('a stream is a pure function of seed and stream, and differs from every other', () => {
  const number = fc.integer({ min: 0, max: 2 ** 31 });
  fc.assert(
    fc.property(fc.maxSafeNat(), number, fc.maxSafeNat(), number, (seed, stream, otherSeed, otherStream) => {
      const here = words(seed, stream, 9);
      expect(words(seed, stream, 9)).toEqual(here);
      if (seed !== otherSeed || stream !== otherStream) expect(words(otherSeed, otherStream, 9)).not.toEqual(here);
    }),
  );
});

test('the upper half of a long seed counts', () => {
  expect(words(1, 0, 4)).not.toEqual(words(1 + 2 ** 32, 0, 4));
});

test('uniform numbers lie in [0, 1) and fill it evenly', () => {
  const random = new PhiloxStream(3, 7);
  const bins = new Array<number>(20).fill(0);
  const n = 100_000;
  for (let i = 0; i < n; i++) {
    const x = random.nextFloat();
    if (!(x >= 0 && x < 1)) expect.fail(`${x}`);
    bins[Math.floor(20 * x)]!++;
  }
  const expected = n / 20;
  const chiSquare = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  expect(chiSquare).toBeLessThan(43.8); // 19 degrees of freedom, p = 0.001
});
