import { expect, it } from 'vitest';
import { drawn } from '../../../renderer/charts/drawing.ts';

const evals = { label: 'Validation loss', colour: '#000', sparse: true, line: { x: [0, 50, 100], y: [5, 4, 3] } };

it('draws dots at the edges of a whole picture as a whole, and ends lines at the edges of a part', () => {
  const radii = drawn([evals], true).flatMap(({ pointRadius, clip }) =>
    (pointRadius as number[]).map((radius) => [radius, clip]),
  );
  expect(radii).toHaveLength(3);
  for (const [radius, clip] of radii) {
    expect(radius).toBeGreaterThan(0);
    const { left, right } = clip as { left: number; right: number };
    expect(Math.min(left, right)).toBeGreaterThan(radius as number);
  }
  for (const { clip } of drawn([evals])) expect(clip).toBeUndefined();
});
