import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { Generator } from '../../../electron/engine/use/generator.ts';
import { Model } from '../../../electron/engine/models/programs.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { elements } from '../../../electron/engine/program/types.ts';
import { sameBits } from '../compare.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import {
  type Batch,
  cut,
  gradients,
  randomBatch,
  randomWeights,
  smallConfig,
  trainingSession,
  write,
} from './small.ts';

const halves = ['bf16', 'f16'] as const;
/** What rounding does to a number, relative to it. */
const half = { bf16: 2 ** -9, f16: 2 ** -12 };

const gradientsOf = async (device: Device, batches: Batch[], changes: Parameters<typeof trainingSession>[4] = {}) => {
  const trained = await trainingSession(device, smallConfig, 2, 'none', changes);
  const result = await gradients(trained, batches);
  trained.session.close();
  return result;
};

/** √(Σ (a - b)² / Σ b²) over all gradients. */
function distance(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>): number {
  let [errors, squares] = [0, 0];
  for (const [name, values] of b) {
    const other = a.get(name)!;
    values.forEach((x, i) => {
      errors += (other[i]! - x) ** 2;
      squares += x ** 2;
    });
  }
  return Math.sqrt(errors / squares);
}

describe.each([tfjs, ...(hasCpu ? [cpu(2)] : [])])('half precision on $name', ({ open }) => {
  let device: Device;
  beforeAll(async () => {
    device = await open();
  });
  const batches = cut(randomBatch(smallConfig, 4), 2);

  it.each(halves)('gives the gradients of float32, but for rounding in %s', async (precision) => {
    const full = await gradientsOf(device, batches);
    const rounded = await gradientsOf(device, batches, { precision });
    expect(Math.abs(rounded.total / full.total - 1)).toBeLessThan(2 * half[precision]);
    const d = distance(rounded.gradients, full.gradients);
    expect(d).toBeGreaterThan(half[precision] / 4); // it is rounded, not float32 by another name
    expect(d).toBeLessThan(12 * half[precision]);
  });

  it('loses small gradients in f16, and keeps them when the loss is scaled', async () => {
    const tiny = { precision: 'f16' as const, lossGradient: 2 ** -24 };
    const scaled = { precision: 'f16' as const, lossGradient: 2 ** -24 * 65536 };
    const full = await gradientsOf(device, batches, { lossGradient: 2 ** -24 });
    expect(distance((await gradientsOf(device, batches, tiny)).gradients, full.gradients)).toBeGreaterThan(0.1);
    const { gradients: g } = await gradientsOf(device, batches, scaled);
    const unscaled = new Map([...g].map(([name, values]) => [name, values.map((x) => x / 65536)]));
    expect(distance(unscaled, full.gradients)).toBeLessThan(12 * half.f16);
  });

  it.each(halves)('computes the same bits in %s whatever is recomputed', async (precision) => {
    const kept = await gradientsOf(device, batches, { precision });
    for (const policy of ['attention', 'block'] as const) {
      const again = await trainingSession(device, smallConfig, 2, policy, { precision });
      const { total, gradients: g } = await gradients(again, batches);
      again.session.close();
      expect(total).toBe(kept.total);
      for (const [name, values] of g) expect(sameBits(values, kept.gradients.get(name)!), name).toBe(true);
    }
  });

  it.each(halves)('decodes in %s as it evaluates', async (precision) => {
    const model = new Model(smallConfig, precision);
    const { vocabSize, contextLength: time } = smallConfig;
    const whole = model.decode(1, time, model.cache(1));
    const generator = new Generator(model, time);
    const programs = [whole.program, ...generator.programs, model.castWeights];
    const session = await device.load(programs, plan(programs));
    write(session, model.parameters, randomWeights(model.parameters));
    await session.run(model.castWeights);
    const { tokens } = randomBatch(smallConfig, 1);
    session.write(whole.inputs.tokens, tokens);
    session.write(whole.inputs.position, Int32Array.of(0));
    await session.run(whole.program);
    const logits = (session.read(whole.logits) as Float32Array).slice(-vocabSize);
    const greedy = { temperature: 0, topK: 0, seed: 1, maxTokens: 1, endOfText: -1 };
    const chosen: number[] = [];
    for await (const token of generator.generate(session, [...tokens], greedy)) chosen.push(token);
    session.close();
    const ordered = [...logits].sort((a, b) => b - a);
    expect(logits[chosen[0]!]! - ordered[0]!).toBeGreaterThan(-16 * half[precision] * Math.abs(ordered[0]!));
  });
});

it('the f32 model has no working weights, and nothing to cast', () => {
  const model = new Model(smallConfig);
  expect(model.castWeights.calls).toEqual([]);
  for (const { value, working } of model.parameters.all) expect(working).toBe(value);
});

it('half precision takes half the bytes of working weights, activations and caches, and not of vectors', () => {
  const [full, halved] = [new Model(smallConfig), new Model(smallConfig, 'bf16')];
  const training = (model: Model) =>
    plan(
      model.training({
        ...{ batch: 2, time: smallConfig.contextLength, recompute: 'none', gradClip: 1 },
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weightDecay: 0,
      }).programs,
    );
  const matrices = full.parameters.all.filter(({ spec }) => spec.shape.length > 1);
  const aligned = (bytes: number) => Math.ceil(bytes / 256) * 256;
  const expected = matrices.reduce((n, { spec }) => n + aligned(2 * elements(spec.shape)), 0);
  expect(training(halved).roleBytes.working).toBe(expected);
  expect(training(full).roleBytes.working).toBe(0);
  expect(training(halved).roleBytes.parameter).toBe(training(full).roleBytes.parameter);
  expect([full, halved].map((model) => model.cache(1)[0]!.k.dtype)).toEqual(['f32', 'bf16']);
});
