import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fit } from '../../../electron/engine/fit/fit.ts';
import { findGpu } from '../../../electron/engine/fit/gpus.ts';
import { finish } from '../../../electron/engine/fit/steps.ts';
import { expectedLoss, suggestSteps } from '../../../electron/engine/fit/suggest.ts';
import { speedOfSheet } from '../../../electron/studio/time/estimate.ts';

const gib = 2 ** 30;

const ask = (id: string, hours: number, more: { bytes?: number; contextLength?: number } = {}) =>
  finish(
    suggestSteps({
      ...{ speed: speedOfSheet(findGpu(id)), precision: 'bf16', vocabSize: 50257, contextLength: 1024, hours },
      ...{ bytes: findGpu(id).memoryMiB * 2 ** 20 - gib / 2, ...more },
    }),
  );

describe('the loss to expect', () => {
  it('is what its formula gives: Chinchilla, 70 billion parameters and 1.4 trillion tokens', () => {
    // 482.01 / 7e10^0.3478 = 0.0819, 2085.43 / 1.4e12^0.3658 = 0.0753
    expect(expectedLoss(70e9, 1.4e12)).toBeCloseTo(1.8172 + 0.0819 + 0.0753, 2);
  });

  it('falls with parameters and with tokens, and has its optimum near 20 tokens a parameter', () => {
    const size = fc.double({ min: 1e6, max: 1e11, noNaN: true });
    fc.assert(
      fc.property(size, size, (n, d) => {
        expect(expectedLoss(2 * n, d)).toBeLessThan(expectedLoss(n, d));
        expect(expectedLoss(n, 2 * d)).toBeLessThan(expectedLoss(n, d));
      }),
    );
    // Of all ways to spend 6 N D = 1e21 operations.
    const ways = Array.from({ length: 2000 }, (_, i) => 1e7 * 1.005 ** i);
    const best = ways.reduce((a, b) => (expectedLoss(b, 1e21 / 6 / b) < expectedLoss(a, 1e21 / 6 / a) ? b : a));
    const tokens = 1e21 / 6 / best;
    expect(tokens / best).toBeGreaterThan(10);
    expect(tokens / best).toBeLessThan(40);
  });
});

describe('what a card can train', () => {
  it('fits to the byte, by the planner, and is ranked by the loss to expect', () => {
    const bytes = 12 * gib - gib / 2;
    const found = ask('rtx-3060-12gb', 10);
    expect(found.length).toBeGreaterThan(5);
    for (const s of found) {
      const { model, batch, precision, optimizer, recompute } = s;
      const plan = fit({ model, batch, precision, optimizer, recompute });
      expect([s.totalBytes, s.hostBytes]).toEqual([plan.totalBytes, plan.hostBytes]);
      expect(s.totalBytes).toBeLessThanOrEqual(bytes);
      expect(s.tokens).toBe(Math.floor(36_000 * s.tokensPerSecond));
      expect(s.secondsToTwenty).toBeCloseTo((20 * s.parameters) / s.tokensPerSecond, 6);
    }
    const losses = found.map((s) => expectedLoss(s.parameters, s.tokens));
    expect(losses).toEqual(losses.toSorted((a, b) => a - b));
  });

  it('is no smaller in a longer time, and on a larger card', () => {
    const best = (id: string, hours: number) => ask(id, hours)[0]!;
    const [evening, night, week] = [4, 10, 168].map((hours) => best('rtx-3060-12gb', hours));
    expect(night!.parameters).toBeGreaterThanOrEqual(evening!.parameters);
    expect(week!.parameters).toBeGreaterThan(evening!.parameters);
    expect(best('a100-80gb', 10).parameters).toBeGreaterThan(night!.parameters);
    expect(best('a100-80gb', 10).loss).toBeLessThan(night!.loss);
  });

  it('is made to fit where it would not, and is nothing where nothing fits', () => {
    const changed = ask('rtx-3060-12gb', 10, { contextLength: 4096 }).filter((s) => s.optimizer !== 'adamw');
    expect(changed.length).toBeGreaterThan(0);
    expect(ask('rtx-3060-12gb', 10, { bytes: 1e6 })).toEqual([]);
  });
});
