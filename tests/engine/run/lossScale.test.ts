import { describe, expect, it } from 'vitest';
import { initialLossScale, type LossScale, nextLossScale } from '../../../electron/engine/run/stability.ts';

/** The scale after steps whose gradients overflowed or not. */
const after = (start: LossScale, ...overflowed: boolean[]): LossScale =>
  overflowed.reduce((state: LossScale, over) => nextLossScale(state, 'f16', over), start);
const good = (n: number) => new Array<boolean>(n).fill(false);

// The numbers of torch.amp.GradScaler: init_scale 65536, growth_factor 2, growth_interval 2000, backoff_factor 0.5.
describe('the loss scale of float16', () => {
  const start = initialLossScale('f16');

  it('starts at 65536', () => expect(start.scale).toBe(65536));

  it('halves at every overflow', () => {
    expect(after(start, true).scale).toBe(32768);
    expect(after(start, true, true, true).scale).toBe(8192);
  });

  it('doubles after 2000 good steps in a row, and again after 2000 more', () => {
    expect(after(start, ...good(1999)).scale).toBe(65536);
    expect(after(start, ...good(2000))).toEqual({ scale: 131072, goodSteps: 0 });
    expect(after(start, ...good(3999)).scale).toBe(131072);
    expect(after(start, ...good(4000)).scale).toBe(262144);
  });

  it('counts anew after an overflow', () => {
    expect(after(start, ...good(1999), true, ...good(1999)).scale).toBe(32768);
    expect(after(start, ...good(1999), true, ...good(2000)).scale).toBe(65536);
  });
});

it.each(['f32', 'bf16'] as const)('%s is not scaled, whatever happens', (precision) => {
  const start = initialLossScale(precision);
  expect(start.scale).toBe(1);
  expect(nextLossScale(start, precision, true)).toEqual(start);
  expect(nextLossScale({ scale: 1, goodSteps: 1999 }, precision, false).scale).toBe(1);
});
