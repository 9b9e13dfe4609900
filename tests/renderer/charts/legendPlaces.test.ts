import fc from 'fast-check';
import { expect, it } from 'vitest';
import { legendPlaces } from '../../../renderer/charts/legendPlaces.ts';

it('the legend of a saved picture has as many rows as it needs, nothing over another', () => {
  expect(legendPlaces([100, 100, 100], 300)).toEqual([
    { left: 8, row: 0 },
    { left: 142, row: 0 },
    { left: 8, row: 1 },
  ]);
  const widths = fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 40 });
  fc.assert(
    fc.property(widths, fc.integer({ min: 200, max: 1600 }), (all, width) => {
      const places = legendPlaces(all, width);
      for (const [i, { left, row }] of places.entries()) {
        // What is wider than the picture has a row of its own.
        if (left + 18 + all[i]! > width) expect(left).toBe(8);
        const next = places[i + 1];
        if (next?.row === row) expect(next.left).toBeGreaterThanOrEqual(left + 18 + all[i]!);
        else if (next) expect(next).toEqual({ left: 8, row: row + 1 });
      }
    }),
  );
});
