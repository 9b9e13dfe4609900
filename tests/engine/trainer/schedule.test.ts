import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Phase } from '../../../electron/engine/config.ts';
import { learningRateAt, phaseAt, schedule, totalSteps } from '../../../electron/engine/trainer/schedule.ts';

const phases = (list: Phase[], tokensPerStep = 1000) => schedule({ phases: list, tokensPerStep });

describe('schedule', () => {
  it('joins phases without a gap and counts tokens in whole steps', () => {
    const plan = phases([
      { kind: 'warmup', steps: 3, from: 0, to: 1 },
      { kind: 'cosine', tokens: 4500, from: 1, to: 0.5 },
      { kind: 'constant', steps: 2, from: 0.1, to: 0.1 },
    ]);
    expect(plan.map((p) => [p.start, p.steps])).toEqual([
      [0, 3],
      [3, 5],
      [8, 2],
    ]);
    expect(totalSteps(plan)).toBe(10);
    expect(phaseAt(plan, 7).phase.kind).toBe('cosine');
    expect(phaseAt(plan, 99).phase.kind).toBe('constant');
  });

  it('starts each phase at its first rate and ends it at its last', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('warmup' as const, 'cosine' as const),
        fc.integer({ min: 2, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (kind, steps, from, to) => {
          const plan = phases([{ kind, steps, from, to }]);
          expect(learningRateAt(plan, 0)).toBeCloseTo(from, 12);
          expect(learningRateAt(plan, steps - 1)).toBeCloseTo(to, 12);
          const [low, high] = [Math.min(from, to), Math.max(from, to)];
          for (let s = 0; s < steps; s++) {
            expect(learningRateAt(plan, s)).toBeGreaterThanOrEqual(low - 1e-12);
            expect(learningRateAt(plan, s)).toBeLessThanOrEqual(high + 1e-12);
          }
        },
      ),
      { numRuns: 30, seed: 1 },
    );
  });

  it('passes the middle of a cosine half way', () => {
    const plan = phases([{ kind: 'cosine', steps: 101, from: 1, to: 0 }]);
    expect(learningRateAt(plan, 50)).toBeCloseTo(0.5, 12);
    expect(learningRateAt(plan, 25)).toBeCloseTo((1 + Math.SQRT1_2) / 2, 12);
  });

  it('follows the recipe of gpt2-medium-4096', () => {
    const plan = phases(
      [
        { kind: 'warmup', steps: 3000, from: 6e-5, to: 4e-4 },
        { kind: 'cosine', tokens: 11.7e9, from: 4e-4, to: 3.6e-4 },
        { kind: 'constant', tokens: 1e9, from: 9e-5, to: 9e-5 },
      ],
      262_144,
    );
    expect(learningRateAt(plan, 0)).toBe(6e-5);
    expect(learningRateAt(plan, 2999)).toBeCloseTo(4e-4, 15);
    expect(plan[1]!.steps).toBe(44_632);
    expect(learningRateAt(plan, 3000 + 44_631)).toBeCloseTo(3.6e-4, 15);
    expect(learningRateAt(plan, 3000 + 44_632)).toBe(9e-5);
  });
});
