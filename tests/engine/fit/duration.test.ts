import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationOf } from '../../../electron/engine/fit/duration.ts';
import { parseRunConfig } from '../../../electron/engine/run/config.ts';
import { dueAt } from '../../../electron/engine/run/due.ts';
import { schedule, settingsAt, totalSteps } from '../../../electron/engine/run/schedule.ts';

const model = { vocabSize: 257, contextLength: 64, nLayer: 1, nHead: 1, nEmbd: 8 };
const constant = (steps: number, more: object = {}) => ({ kind: 'constant', steps, from: 1e-3, to: 1e-3, ...more });

const configOf = (phases: object[], more: object = {}) =>
  parseRunConfig({ model, dataset: 'any', tokenizer: 'bytes', batch: 2, tokensPerStep: 512, phases, ...more });

describe('how long a run takes', () => {
  it('is its micro-batches, its updates, and its validations', () => {
    const config = configOf([constant(100), constant(50, { batch: 4, optimizer: 'adamw8bit' })], {
      evaluation: { every: 40, sequences: 10 },
    });
    const times = { microSeconds: 0.25, updateSeconds: 0.5, forwardSeconds: 0.125 };
    const found = durationOf(config, ({ batch, optimizer }) =>
      batch === 4 ? { ...times, microSeconds: optimizer === 'adamw8bit' ? 0.75 : Number.NaN } : times,
    );
    // 512 tokens are 4 micro-batches of 2 × 64, and 2 of 4 × 64: 100 · (4 · 0.25 + 0.5) + 50 · (2 · 0.75 + 0.5).
    expect(found.trainSeconds).toBe(250);
    // At steps 0, 40, 80, 120 and 150, ten sequences each.
    expect(found.evaluationSeconds).toBe(5 * 10 * 0.125);
    expect(found.tokensPerSecond).toBe((150 * 512) / 250);
  });

  it('takes no more sequences than the validation data has', () => {
    const config = configOf([constant(10)], { evaluation: { every: 0, sequences: 200 } });
    const times = () => ({ microSeconds: 0, updateSeconds: 0, forwardSeconds: 1 });
    expect(durationOf(config, times).evaluationSeconds).toBe(400);
    expect(durationOf(config, times, 3).evaluationSeconds).toBe(6);
  });

  it('counts the validations that a run takes, step by step, from any of its steps', () => {
    const phase = fc.record({ steps: fc.integer({ min: 1, max: 60 }), every: fc.integer({ min: 0, max: 25 }) });
    fc.assert(
      fc.property(fc.array(phase, { minLength: 1, maxLength: 4 }), fc.nat(), (phases, any) => {
        const config = configOf(phases.map(({ steps, every }) => constant(steps, { evaluateEvery: every })));
        const placed = schedule(config);
        const steps = totalSteps(placed);
        const from = any % steps;
        let [evaluations, seconds] = [0, 0];
        for (let step = from; step <= steps; step++) {
          // One that rests has been validated where that was due.
          if ((from === 0 || step > from) && dueAt(config, placed, step).evaluation) evaluations++;
          if (step < steps) seconds += 4 * settingsAt(config, placed, step).batch + 1;
        }
        const times = { microSeconds: 2, updateSeconds: 1, forwardSeconds: 1 };
        const found = durationOf(config, () => times, undefined, from);
        expect(found.evaluationSeconds).toBe(evaluations * config.evaluation.sequences);
        expect(found.trainSeconds).toBe(seconds);
      }),
    );
  });
});
