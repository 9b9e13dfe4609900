import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Phase } from '../../../electron/engine/run/config.ts';
import { lastRate, learningRateAt, phaseAt, schedule, totalSteps } from '../../../electron/engine/run/schedule.ts';

const phases = (list: Phase[], tokensPerStep = 1000) => schedule({ phases: list, tokensPerStep, schedule: 2 });
const rates = (plan: ReturnType<typeof schedule>): number[] =>
  Array.from({ length: totalSteps(plan) }, (_, step) => learningRateAt(plan, step));
const length = fc.integer({ min: 1, max: 300 });
const rate = fc.double({ min: 1e-6, max: 1, noNaN: true });

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

  it('ends a phase early with the rates that the whole of it has, and goes on from the rate that it has reached', () => {
    const warmup: Phase = { kind: 'warmup', steps: 4, from: 0, to: 1 };
    const cosine: Phase = { kind: 'cosine', steps: 8, from: 1, to: 0 };
    const whole = rates(phases([warmup, cosine]));
    const cut = phases([warmup, { ...cosine, endAfter: 4 }]);
    expect(cut.map(({ start, steps, length }) => [start, steps, length])).toEqual([
      [0, 4, 4],
      [4, 4, 8],
    ]);
    expect(rates(cut)).toEqual(whole.slice(0, 8));
    // Half of the way down: 0.5 (1 + cos π/2).
    expect(lastRate(cut[1]!)).toBeCloseTo(0.5, 12);
    const reached = lastRate(cut[1]!);
    const more = phases([warmup, { ...cosine, endAfter: 4 }, { kind: 'cosine', steps: 2, from: reached, to: 0 }]);
    expect(more[2]!.leaves).toBe(true);
    expect(rates(more).slice(8)).toEqual([expect.closeTo(0.25, 12), expect.closeTo(0, 12)]);
    // Another rate than the one reached is trained with.
    expect(phases([{ ...cosine, endAfter: 4 }, cosine])[1]!.leaves).toBe(false);
  });

  it('starts a cosine at its first rate, where it is the first phase, and ends it at its last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 500 }), rate, rate, (steps, a, b) => {
        const [from, to] = [Math.max(a, b), Math.min(a, b)];
        const all = rates(phases([{ kind: 'cosine', steps, from, to }]));
        expect(all[0]).toBe(from);
        expect(all.at(-1)).toBeCloseTo(to, 12);
        for (const [s, r] of all.entries()) expect(r).toBeLessThanOrEqual(all[s - 1] ?? from);
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  it('trains the k-th step of a warm-up k/n of the way, the first one included', () => {
    fc.assert(
      fc.property(length, rate, (steps, to) => {
        const all = rates(phases([{ kind: 'warmup', steps, from: 0, to }]));
        for (const [i, r] of all.entries()) expect(r / ((to * (i + 1)) / steps)).toBeCloseTo(1, 12);
        expect(all[0]).toBeGreaterThan(0);
        expect(all.at(-1)).toBe(to);
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  it('trains no rate twice where warm-ups and cosines join', () => {
    fc.assert(
      fc.property(length, length, length, rate, (warmup, first, second, peak) => {
        const all = rates(
          phases([
            { kind: 'warmup', steps: warmup, from: 0, to: peak },
            { kind: 'cosine', steps: first, from: peak, to: peak / 2 },
            { kind: 'cosine', steps: second, from: peak / 2, to: 0 },
          ]),
        );
        for (const [s, r] of all.entries()) {
          if (s === 0) continue;
          if (s < warmup) expect(r).toBeGreaterThan(all[s - 1]!);
          else expect(r).toBeLessThan(all[s - 1]!);
        }
        expect(all[warmup - 1]).toBe(peak);
        expect(all[warmup + first - 1]).toBeCloseTo(peak / 2, 12);
        expect(all.at(-1)).toBeCloseTo(0, 12);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it('starts a cosine at its first rate where the phase before has ended at another', () => {
    const plan = phases([
      { kind: 'constant', steps: 3, from: 0.2, to: 0.2 },
      { kind: 'cosine', steps: 5, from: 1, to: 0 },
    ]);
    expect(rates(plan)[3]).toBe(1);
  });

  it('keeps the rates of runs that an earlier version made, which say nothing of the formula', () => {
    const list: Phase[] = [
      { kind: 'warmup', steps: 4, from: 0, to: 3 },
      { kind: 'cosine', steps: 3, from: 3, to: 1 },
    ];
    expect(rates(schedule({ phases: list, tokensPerStep: 1 }))).toEqual([0, 1, 2, 3, 3, 2, 1]);
    expect(rates(phases(list))).toEqual([0.75, 1.5, 2.25, 3, 2.5, 1.5, 1].map((r) => expect.closeTo(r, 12)));
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
    expect(learningRateAt(plan, 0)).toBeCloseTo(6e-5 + 3.4e-4 / 3000, 15);
    expect(learningRateAt(plan, 2999)).toBeCloseTo(4e-4, 15);
    expect(plan[1]!.steps).toBe(44_632);
    expect(learningRateAt(plan, 3000 + 44_631)).toBeCloseTo(3.6e-4, 15);
    expect(learningRateAt(plan, 3000 + 44_632)).toBe(9e-5);
  });
});
