import { beforeAll, describe, expect, it } from 'vitest';
import type { CudaDevice } from '../../../electron/engine/devices/cuda/device.ts';
import { Model } from '../../../electron/engine/models/programs.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { writeScalars } from '../../../electron/engine/run/step.ts';
import { initialize } from '../../../electron/engine/run/initialize.ts';
import { hasInterpretedGpu, type Traffic, traffic } from './interpreter.ts';
import { createPlayedGpu, interpretedAddonPath } from '../gpu.ts';
import { lack, where } from '../../frame/needs.ts';

const numbers = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, gradClip: 1 } as const;
const model = { vocabSize: 1000, contextLength: 128, nLayer: 1, nHead: 2, nEmbd: 128, dropout: 0 };

/** Of a training step, by kernel. */
async function ofStep(
  device: CudaDevice,
  optimizer: 'adamw' | 'adamw8bit' | 'adamw4bit',
  { precision = 'f16', nHead = model.nHead }: { precision?: 'f16' | 'bf16'; nHead?: number } = {},
) {
  const gpt2 = new Model({ ...model, nHead }, precision);
  const time = model.contextLength;
  const training = gpt2.training({ ...numbers, recompute: 'none', optimizer, batch: 1, time });
  const programs = [training.first, training.update, gpt2.castWeights];
  const session = await device.load(programs, plan(programs));
  await initialize(session, gpt2, 1);
  session.write(
    training.inputs.tokens,
    Int32Array.from({ length: time }, (_, i) => (i * 37) % 1000),
  );
  session.write(
    training.inputs.targets,
    Int32Array.from({ length: time }, (_, i) => (i * 53) % 1000),
  );
  writeScalars(session, training.inputs, { optimizer: numbers, tokensPerStep: time }, 1e-3, 1, 1);
  traffic(device);
  await session.run(training.first);
  await session.run(training.update);
  const counted = new Map(Object.entries(traffic(device)));
  session.close();
  return counted;
}

const parameters =
  (1000 + 24) * model.nEmbd +
  model.contextLength * model.nEmbd +
  12 * model.nEmbd ** 2 +
  13 * model.nEmbd +
  2 * model.nEmbd;

/** The kernels whose names begin so. */
const named = (counted: ReadonlyMap<string, Traffic>, name: string): Traffic[] => {
  const found = [...counted].filter(([kernel]) => kernel.startsWith(name)).map(([, t]) => t);
  expect(found.length).toBeGreaterThan(0);
  return found;
};

// What a profiler would tell on a GPU, where an access that is laid out badly costs time and nothing else.
where(describe, [hasInterpretedGpu, lack.interpretedGpu])('what kernels ask of memory', () => {
  let counted: Map<string, Traffic>;
  let device: CudaDevice;
  beforeAll(async () => {
    device = createPlayedGpu({ addon: interpretedAddonPath, library: null });
    counted = await ofStep(device, 'adamw');
  });

  it('of shared memory is served without conflicts of banks', async () => {
    const wideHeads = await ofStep(device, 'adamw', { precision: 'bf16', nHead: 1 });
    for (const [kernel, { shared }] of [...counted, ...wideHeads])
      expect([kernel, shared.parts]).toEqual([kernel, shared.min]);
    expect(named(counted, 'TensorGemm<F16,F16').every((t) => t.shared.parts > 0 && t.products > 0)).toBe(true);
  });

  it('of global memory is whole sectors, or the other half of them at once', () => {
    const wasteful = [...counted].filter(([, { global }]) => global.parts > 2 * global.min);
    expect(wasteful).toEqual([]);
    // What passes over all weights, or over all activations once more.
    for (const name of ['TensorList<AdamW>', 'TensorList<Cast<F16>>', 'TensorAttention'])
      for (const { global } of named(counted, name)) expect(global.parts / global.min).toBeLessThan(1.05);
  });

  // Instructions of PTX, as nvcc 13 makes them, and half as many again.
  it.each([
    ['adamw', 'TensorList<AdamW>', 60],
    ['adamw', 'TensorList<Cast<F16>>', 30],
    ['adamw', 'TensorList<SquaresOfChunks>', 10],
    ['adamw8bit', 'TensorList<AdamW8bit>', 160],
    ['adamw4bit', 'AdamW4bit', 240],
  ] as const)('of an update with %s, %s takes few instructions for 32 parameters', async (optimizer, kernel, max) => {
    const all = optimizer === 'adamw' ? counted : await ofStep(device, optimizer);
    const instructions = named(all, kernel).reduce((sum, t) => sum + t.warpInstructions, 0);
    expect(instructions / (parameters / 32)).toBeGreaterThan(1);
    expect(instructions / (parameters / 32)).toBeLessThan(max);
  });
});
