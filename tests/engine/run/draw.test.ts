import fc from 'fast-check';
import { expect, it } from 'vitest';
import { everything } from '../../../electron/data/subsets.ts';
import { draw, type Positions, sampledBefore } from '../../../electron/engine/run/batch.ts';

const mixes = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 })
  .chain((names) =>
    fc.tuple(...names.map((dataset) => fc.integer({ min: 1, max: 50 }).map((weight) => ({ dataset, weight })))),
  )
  .map((parts) => parts.map((part) => ({ ...part, subset: everything })));

it('gives each source its share, evenly, and of each every sequence once and in order', () => {
  fc.assert(
    fc.property(mixes, fc.nat(), fc.nat(1e6), (mix, seed, started) => {
      const sum = mix.reduce((n, { weight }) => n + weight, 0);
      const start: Positions = { [`${mix[0]!.dataset} 0-100%`]: started };
      const count = 2000;
      const { sequences, positions } = draw(mix, start, count, seed);
      expect(sampledBefore(positions)).toBe(started + count);
      for (const part of mix) {
        const own = sequences.filter(({ source }) => source === part).map(({ n }) => n);
        const first = start[`${part.dataset} 0-100%`] ?? 0;
        expect(own).toEqual(own.map((_, i) => first + i));
        // A share that is drawn by chance would be off by some 20.
        expect(Math.abs(own.length - (count * part.weight) / sum)).toBeLessThan(8);
      }
    }),
  );
});

it('goes on the same wherever it was stopped', () => {
  fc.assert(
    fc.property(mixes, fc.nat(), fc.nat(100), fc.nat(100), (mix, seed, first, second) => {
      const whole = draw(mix, {}, first + second, seed);
      const started = draw(mix, {}, first, seed);
      const rest = draw(mix, started.positions, second, seed);
      expect([...started.sequences, ...rest.sequences]).toEqual(whole.sequences);
      expect(rest.positions).toEqual(whole.positions);
    }),
  );
});
