import { describe, expect, it } from 'vitest';
import { FailureError, failureOf } from '../../electron/base/errors.ts';
import { OutOfMemory } from '../../electron/engine/devices/outOfMemory.ts';
import { checkRunConfig, parseRunConfig, type RunConfig } from '../../electron/engine/run/config.ts';
import { lastRate, learningRateAt, schedule } from '../../electron/engine/run/schedule.ts';
import {
  fineTuning,
  nextPhase,
  withHalvedRates,
  withMoreRecompute,
  withoutData,
  withPhasesLeft,
  withSmallerBatch,
} from '../../renderer/pages/run/again.ts';
import { causeOf } from '../../renderer/pages/run/failure.ts';

const config = parseRunConfig({
  model: { vocabSize: 257, contextLength: 64, nLayer: 2, nHead: 2, nEmbd: 64 },
  dataset: 'text',
  tokenizer: 'bytes',
  batch: 12,
  tokensPerStep: 24 * 64,
  phases: [
    { kind: 'warmup', steps: 100, from: 0, to: 6e-4 },
    { kind: 'cosine', steps: 1000, from: 6e-4, to: 6e-5, batch: 8, mix: [{ dataset: 'a', weight: 1 }] },
    { kind: 'constant', tokens: 100 * 24 * 64, from: 6e-5, to: 6e-5, optimizer: 'adamw8bit' },
  ],
});
const viewsOf = (of: RunConfig) =>
  schedule(of).map((scheduled) => ({
    ...scheduled,
    lastRate: lastRate(scheduled),
    ...{ tokens: 0, optimizer: 'adamw', batch: 12, data: '' },
  }));
const views = viewsOf(config);
const isSound = (changed: RunConfig) => expect(checkRunConfig(changed)).toEqual({ config: changed });

describe('a run like another one', () => {
  it('has half the learning rate in all phases, and nothing else changed', () => {
    const halved = withHalvedRates(config);
    expect(halved.phases.map(({ from, to }) => [from, to])).toEqual([
      [0, 3e-4],
      [3e-4, 3e-5],
      [3e-5, 3e-5],
    ]);
    const back = halved.phases.map((phase) => ({ ...phase, from: 2 * phase.from, to: 2 * phase.to }));
    expect({ ...halved, phases: back }).toEqual(config);
    isSound(halved);
  });

  it('has smaller micro-batches that divide the same tokens per step', () => {
    const smaller = withSmallerBatch(config)!;
    expect([smaller.batch, smaller.phases.map((p) => p.batch)]).toEqual([6, [undefined, 4, undefined]]);
    expect(smaller.tokensPerStep).toBe(config.tokensPerStep);
    const seven = withSmallerBatch({ ...config, batch: 7 })!;
    expect(seven.batch).toBe(1);
    expect(withSmallerBatch({ ...config, batch: 1, phases: [config.phases[0]!] })).toBeUndefined();
  });

  it('has more activation checkpointing as long as there is more', () => {
    const policies = ['none', 'attention', 'block'];
    const more = withMoreRecompute(config, policies)!;
    expect(more).toEqual({ ...config, recompute: 'attention' });
    expect(withMoreRecompute({ ...config, recompute: 'block' }, policies)).toBeUndefined();
  });

  it('has other data in every phase', () => {
    const other = withoutData({ ...config, mix: [{ dataset: 'b', weight: 1, subset: { from: 0, to: 100 } }] }, 'none');
    expect(JSON.stringify(other)).not.toMatch(/"(mix|subset)"|"dataset":"[^n]/);
    expect(other.phases.map((p) => [p.kind, p.from, p.to])).toEqual(config.phases.map((p) => [p.kind, p.from, p.to]));
  });

  it.each([0, 40, 100, 600, 1150])('has the phases left after step %i, from the rate that was reached', (step) => {
    const left = withPhasesLeft(config, views, step);
    isSound(left);
    const rates = schedule(left);
    expect(rates.at(-1)!.start + rates.at(-1)!.steps).toBe(1200 - step);
    // The rate that the step before had, to the schedule's own formula within one step.
    const was = learningRateAt(schedule(config), Math.max(0, step - 1));
    if (step > 0) expect(Math.abs(left.phases[0]!.from - was)).toBeLessThan(7e-6);
    expect(left.phases.at(-1)!.to).toBe(6e-5);
  });

  it('has all phases after the last step, where none is left', () => {
    expect(withPhasesLeft(config, views, 1200)).toBe(config);
  });

  it('has a phase left that ends early, with the rates of the whole of it', () => {
    const [warmup, cosine] = config.phases;
    const cut = { ...config, phases: [warmup!, { ...cosine!, endAfter: 600 }] };
    const left = withPhasesLeft(cut, viewsOf(cut), 500);
    isSound(left);
    expect(left.phases).toMatchObject([{ kind: 'cosine', steps: 600, endAfter: 200, to: 6e-5 }]);
    expect(lastRate(schedule(left)[0]!)).toBeLessThan(left.phases[0]!.from);
    expect(lastRate(schedule(left)[0]!)).toBeGreaterThan(6e-5);
  });

  it('goes on at the rate that it has reached, as long as what was left of its phase', () => {
    const held = nextPhase(views, 600);
    expect(held).toMatchObject({ kind: 'constant', steps: 500, to: held.from, batch: 8, mix: [{ dataset: 'a' }] });
    expect(held.from).toBeCloseTo(learningRateAt(schedule(config), 599), 5);
    const { phase, lastRate: to } = views[1]!;
    expect(nextPhase(views, 1100)).toEqual({ ...phase, kind: 'constant', from: to, to });
    expect(nextPhase(views, 1200)).toEqual(config.phases[2]);
    const cut = { ...config, phases: [{ ...config.phases[1]!, endAfter: 500 }] };
    const reached = learningRateAt(schedule(cut), 499);
    const { endAfter: _, ...whole } = cut.phases[0]!;
    expect(nextPhase(viewsOf(cut), 500)).toEqual({ ...whole, kind: 'constant', from: reached, to: reached });
  });

  it('is fine-tuned at a tenth of the rate, with a short warmup and a cosine to a tenth', () => {
    const tuned = fineTuning(config, 'none');
    expect(tuned.phases).toEqual([
      { kind: 'warmup', steps: 30, from: 0, to: 6e-5 },
      { kind: 'cosine', steps: 970, from: 6e-5, to: 6e-6 },
    ]);
    const unknown = fineTuning({ ...config, phases: [{ kind: 'constant', steps: 1, from: 0, to: 0 }] }, 'none');
    expect(unknown.phases[0]!.to).toBe(6e-5);
    expect([tuned.dataset, tuned.batch, tuned.tokensPerStep]).toEqual(['none', 12, 24 * 64]);
  });
});

describe('why a run failed', () => {
  it('is a code of what was thrown, or of what caused that', () => {
    expect(failureOf(new FailureError('data', 'There is no dataset.'))).toBe('data');
    expect(failureOf(new OutOfMemory('full'))).toBe('memory');
    expect(failureOf(new Error('a step failed', { cause: new OutOfMemory('full') }))).toBe('memory');
    expect(failureOf(new Error('a defect'))).toBeUndefined();
    expect(failureOf('text')).toBeUndefined();
  });

  it('is that of the last failure alone', () => {
    const event = (kind: string, data: unknown) => ({
      ...{ id: 1, time: 1, step: null, level: 'error' as const, message: '' },
      ...{ kind, data },
    });
    expect(causeOf([event('failed', { cause: 'memory' }), event('started', { plannedBytes: 1 })])).toBe('memory');
    expect(causeOf([event('failed', { cause: 'memory' }), event('failed', null)])).toBeUndefined();
    expect(causeOf([])).toBeUndefined();
  });
});
