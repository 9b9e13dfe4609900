import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../../electron/engine/run/config.ts';
import { nullDevice } from '../../../electron/engine/devices/null.ts';
import {
  type Dimension,
  type FitConfig,
  fit,
  largestThatFits,
  withDimension,
} from '../../../electron/engine/fit/fit.ts';
import { findGpu, gpus } from '../../../electron/engine/fit/gpus.ts';
import { parameterCount } from '../../../electron/engine/models/index.ts';
import { loadPreset, presetNames } from '../../../electron/engine/run/presets.ts';
import { RunPrograms } from '../../../electron/engine/run/programs.ts';
import { cpu, hasCpu } from '../devices.ts';
import { lack, where } from '../../frame/needs.ts';

const small: FitConfig = {
  model: { vocabSize: 257, contextLength: 64, nLayer: 2, nHead: 2, nEmbd: 32, dropout: 0 },
  batch: 2,
  recompute: 'none',
};

/** The config of a run with these dimensions and nothing else changed. */
const runOf = ({ model, batch, recompute }: FitConfig) =>
  parseRunConfig({
    model,
    batch,
    recompute,
    dataset: 'any',
    tokenizer: 'bytes',
    tokensPerStep: batch * model.contextLength,
    phases: [{ kind: 'constant', steps: 1, from: 1e-3, to: 1e-3 }],
  });

describe('what a run needs', () => {
  where(it, [hasCpu, lack.cpu])('is what a run allocates, to the byte', async () => {
    const { programs, plan } = new RunPrograms(runOf(small));
    const device = await cpu(1).open();
    const session = await device.load(programs, plan);
    expect(session.allocatedBytes()).toBe(fit(small).totalBytes);
    session.close();
  });

  it('counts weights, gradients and two states of float32, with the vocabulary padded', () => {
    const { roleBytes } = fit(small);
    const padded = 4 * parameterCount({ ...small.model, vocabSize: 320 });
    expect(roleBytes.parameter).toBeGreaterThanOrEqual(padded);
    expect(roleBytes.parameter).toBeLessThan(padded + 32 * 256); // each tensor begins at a multiple of 256
    expect(roleBytes.gradient).toBe(roleBytes.parameter);
    expect(roleBytes.optimizer).toBe(2 * roleBytes.parameter);
  });

  it('is refused for dimensions that make no model', () => {
    expect(() => fit(withDimension({ ...small, model: { ...small.model, nHead: 5 } }, 'batch', 1))).toThrow(/32.*5/);
  });
});

describe('the largest that fits', () => {
  const sizes: Record<Dimension, readonly number[]> = {
    layers: [1, 2, 3, 7, 8, 9],
    batch: [1, 2, 3, 6, 8, 13],
    context: [1, 5, 33, 64, 128, 192, 320],
  };
  const cases = Object.entries(sizes).flatMap(([dimension, values]) =>
    values.map((value) => ({ dimension: dimension as Dimension, value })),
  );

  it.each(cases)('$dimension $value is found with just its bytes, and not with one fewer', ({ dimension, value }) => {
    const bytes = fit(withDimension(small, dimension, value)).totalBytes;
    const found = largestThatFits(small, dimension, bytes);
    // Several values can need the same bytes: alignment.
    expect(found).toBeGreaterThanOrEqual(value);
    expect(fit(withDimension(small, dimension, found)).totalBytes).toBeLessThanOrEqual(bytes);
    const next = dimension === 'context' && found >= 64 ? found + 64 : found + 1;
    expect(fit(withDimension(small, dimension, next)).totalBytes).toBeGreaterThan(bytes);
    expect(largestThatFits(small, dimension, bytes - 1)).toBeLessThanOrEqual(found);
  });

  it('pages no more than the host has room for', () => {
    const paged = { ...small, optimizer: 'pagedAdamw8bit' } as const;
    const { hostBytes } = fit(withDimension(paged, 'layers', 5));
    const layers = (has: number) => largestThatFits(paged, 'layers', Number.POSITIVE_INFINITY, has);
    expect([layers(hostBytes), layers(hostBytes - 1)]).toEqual([5, 4]);
  });

  it('is 0 where not even one fits', () => expect(largestThatFits(small, 'layers', 1000)).toBe(0));
});

describe('presets', () => {
  it.each(presetNames())('%s can be planned and run whole on the null device', async (name) => {
    const { config } = loadPreset(name);
    const { model, tokenizer } = config as { model: FitConfig['model']; tokenizer: string };
    const vocabSize = tokenizer === 'bytes' ? 257 : 50257;
    const { programs, plan } = new RunPrograms(
      runOf({ model: { ...model, vocabSize, dropout: 0 }, batch: config.batch as number, recompute: 'block' }),
    );
    const session = await nullDevice.load(programs, plan);
    for (const program of programs) await session.run(program);
    session.close();
  });

  it('have the published numbers of parameters', () => {
    const published = { gpt2: 124_439_808, 'gpt2-medium': 354_823_168, 'gpt2-medium-4096': 383_161_344 };
    for (const [name, count] of Object.entries(published)) {
      const model = loadPreset(name).config.model as FitConfig['model'];
      expect(parameterCount({ ...model, vocabSize: 50257 }), name).toBe(count);
    }
  });

  it('are listed when one is not known', () => expect(() => loadPreset('gpt5')).toThrow(/gpt5.*gpt2-medium-4096/));
});

describe('the table of GPUs', () => {
  it('has each GPU once, with a believable size', () => {
    expect(new Set(gpus.map((g) => g.id)).size).toBe(gpus.length);
    for (const { name, memoryMiB } of gpus) {
      expect(memoryMiB % 1024, name).toBe(0);
      expect(memoryMiB / 1024, name).toBeGreaterThanOrEqual(6);
    }
  });

  it('finds one by its id, and lists all when there is none', () => {
    expect(findGpu('RTX-3060-12GB').memoryMiB).toBe(12288);
    expect(() => findGpu('voodoo')).toThrow(/voodoo.*rtx-3060-12gb/);
  });
});
