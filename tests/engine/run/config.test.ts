import { describe, expect, it } from 'vitest';
import {
  checkRunConfig,
  parseRunConfig,
  parseStoredConfig,
  type RunConfigInput,
} from '../../../electron/engine/run/config.ts';
import { learningRateAt, schedule } from '../../../electron/engine/run/schedule.ts';
import { UsageError } from '../../../electron/base/errors.ts';

const config = (changes: Partial<RunConfigInput>): RunConfigInput => ({
  model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 16 },
  dataset: 'stories',
  tokenizer: 'bytes',
  batch: 4,
  tokensPerStep: 8 * 16,
  phases: [{ kind: 'constant', steps: 10, from: 1e-3, to: 1e-3 }],
  ...changes,
});
const phase = { kind: 'constant', steps: 10, from: 1e-3, to: 1e-3 } as const;
const refused = (changes: Partial<RunConfigInput>, message: RegExp) => {
  expect(() => parseRunConfig(config(changes))).toThrow(UsageError);
  expect(() => parseRunConfig(config(changes))).toThrow(message);
};

describe('the family of a model', () => {
  const { model } = config({});
  it('is the first one where none is named, and is not filled in', () => {
    expect(parseRunConfig(config({})).model).not.toHaveProperty('family');
    expect(parseRunConfig(config({ model: { ...model, family: 'gpt2' } })).model.family).toBe('gpt2');
  });
  it('is refused when nobody knows it', () => {
    refused({ model: { ...model, family: 'rnn' } }, /model\.family: it is no model family: gpt2/);
  });
});

describe('a bad config is refused with a line that names what is wrong', () => {
  it.each([
    ['no steps', { ...phase, steps: 0 }, /steps of phase 1/],
    ['no tokens', { ...phase, steps: undefined, tokens: 0 }, /tokens of phase 1/],
    ['no length', { ...phase, steps: undefined }, /phase 1: give the length in steps or in tokens/],
    ['two lengths', { ...phase, tokens: 5 }, /phase 1: give the length in steps or in tokens/],
    ['a negative rate', { ...phase, from: -1e-3, to: -1e-3 }, /from of phase 1/],
    ['a rate that is no number', { ...phase, from: Number.NaN, to: Number.NaN }, /from of phase 1/],
    ['a warmup that falls', { ...phase, kind: 'warmup', from: 1e-3, to: 1e-4 }, /to of phase 1: a warmup rises/],
    ['a cosine that rises', { ...phase, kind: 'cosine', from: 1e-4, to: 1e-3 }, /to of phase 1: a cosine decays/],
    ['two rates of a constant', { ...phase, to: 1e-4 }, /phase 1: a constant phase has one LR/],
    ['an unknown kind', { ...phase, kind: 'linear' }, /kind of phase 1/],
    ['an unknown optimizer', { ...phase, optimizer: 'sgd' }, /optimizer of phase 1/],
    ['a subset of nothing', { ...phase, subset: { from: 50, to: 50 } }, /subset of phase 1: a subset starts below/],
    ['a subset past the end', { ...phase, subset: { from: 50, to: 101 } }, /subset\.to of phase 1/],
    ['a subset of part of a percent', { ...phase, subset: { from: 0, to: 0.5 } }, /subset\.to of phase 1/],
    ['a mix beside a subset', { ...phase, mix: [{ dataset: 'a' }], subset: { from: 0, to: 5 } }, /a mix, or a dataset/],
    ['an empty mix', { ...phase, mix: [] }, /mix of phase 1/],
    [
      'a mix with a weight of nothing',
      { ...phase, mix: [{ dataset: 'a', weight: 0 }] },
      /weight of entry 1 of mix of phase 1/,
    ],
    ['a batch that does not divide a step', { ...phase, batch: 3 }, /Phase 1 has batch 3.*divides 8/],
    ['an unknown setting', { ...phase, momentum: 1 }, /phase 1/],
  ])('%s', (_, bad, message) => refused({ phases: [bad as typeof phase] }, message));

  it('a batch of the run that does not divide a step is one problem, not one a phase', () => {
    const result = checkRunConfig(config({ batch: 3, phases: [phase, { ...phase, batch: 5 }] }));
    expect(result).toMatchObject({
      problems: [
        { path: 'tokensPerStep', message: expect.stringContaining('(3 × 16 = 48)') },
        { path: 'phases.1.batch', message: expect.stringContaining('Phase 2 has batch 5') },
      ],
    });
  });

  it('no phases, and an unknown precision', () => {
    refused({ phases: [] }, /phases/);
    refused({ precision: 'fp8' as 'f16' }, /precision/);
  });

  it('subsets that share documents without being equal', () => {
    const on = (from: number, to: number, dataset?: string) => ({
      ...phase,
      subset: { from, to },
      ...(dataset ? { dataset } : {}),
    });
    refused({ phases: [on(0, 50), on(40, 80)] }, /Phases 1 and 2 train on 0-50% and 40-80% of stories, which share/);
    refused({ phases: [phase, on(0, 50)] }, /Phases 1 and 2 train on 0-100% and 0-50%/);
    refused({ subset: { from: 0, to: 50 }, phases: [on(60, 70), phase, on(49, 51)] }, /Phases 2 and 3/);
    expect(() => parseRunConfig(config({ phases: [on(0, 50), on(50, 80), on(0, 50)] }))).not.toThrow();
    expect(() => parseRunConfig(config({ phases: [on(0, 50), on(40, 80, 'news')] }))).not.toThrow();
    const part = (from: number, to: number, dataset = 'stories') => ({ dataset, subset: { from, to } });
    const mixed = (...mix: ReturnType<typeof part>[]) => ({ ...phase, mix });
    refused({ phases: [mixed(part(0, 50), part(0, 50))] }, /The mix of phase 1 has stories 0-50% and stories 0-50%/);
    refused(
      { phases: [on(0, 50), mixed(part(0, 100, 'news'), part(40, 60))] },
      /Phases 1 and 2 train on 0-50% and 40-/,
    );
    refused({ mix: [part(0, 50)], phases: [phase, on(20, 30)] }, /Phases 1 and 2 train on 0-50% and 20-30%/);
    expect(() => parseRunConfig(config({ phases: [mixed(part(0, 50), part(50, 100)), on(0, 50)] }))).not.toThrow();
  });
});

describe('a stored config', () => {
  const warmup = { kind: 'warmup', steps: 10, from: 0, to: 1e-3 } as const;
  const first = (stored: RunConfigInput) => learningRateAt(schedule(parseStoredConfig(stored)), 0);

  it('of an earlier version, which says nothing of the formula of its rates, keeps them', () => {
    expect(first(config({ phases: [warmup] }))).toBe(0);
  });

  it('of this version says which formula it has, and keeps it as it is stored again', () => {
    const now = parseRunConfig(config({ phases: [warmup] }));
    expect(first(JSON.parse(JSON.stringify(now)))).toBeCloseTo(1e-4, 12);
    const old = parseStoredConfig(config({ phases: [warmup] }));
    expect(first(JSON.parse(JSON.stringify(parseRunConfig(old))))).toBe(0);
  });
});
