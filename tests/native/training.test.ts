import { describe, expect, it } from 'vitest';
import type { Precision } from '../../electron/engine/program/types.ts';
import { tempDir } from '../temp.ts';
import { cpu, hasCpu } from '../engine/devices.ts';
import { smallRun, train } from '../engine/run/harness.ts';
import { emulated, hasEmulator } from './gpu.ts';
import { hasInterpretedGpu, interpreted } from './ptx/interpreter.ts';
import { lack, where } from '../frame/needs.ts';

type Optimizer = 'adamw' | 'adamw8bit' | 'pagedAdamw8bit' | 'adamw4bit';

const run = (optimizer: Optimizer, precision: Precision, steps: number) =>
  smallRun({
    phases: [{ kind: 'constant', steps, from: 3e-3, to: 3e-3 }],
    optimizer: { kind: optimizer },
    precision,
  });

/** Each with the precision of optimizers that keep few bits, and its steps: the emulated GPU is slow. */
const gpus = [
  { name: 'an emulated GPU', has: hasEmulator, open: emulated, fewBits: 'f32', steps: 3 },
  {
    name: 'a GPU that interprets what nvcc compiles',
    has: hasInterpretedGpu,
    open: interpreted,
    fewBits: 'f16',
    steps: 4,
  },
] as const;

describe.each(gpus)('training on $name', ({ has, open, fewBits, steps }) => {
  where(it, [hasCpu, lack.cpu], [has, lack.interpretedGpu]).each([
    ['adamw', 'f32'],
    ['adamw', 'f16'],
    ['adamw', 'bf16'],
    ['adamw8bit', fewBits],
    ['pagedAdamw8bit', fewBits],
    ['adamw4bit', fewBits],
  ] as const)('follows the cpu with %s in %s, step by step', async (optimizer, precision) => {
    const config = run(optimizer, precision, steps);
    const [gpu, host] = [await open('random').open(), await cpu(2).open()];
    const [actual, expected] = [await train(gpu, tempDir(), config), await train(host, tempDir(), config)];
    expect(actual.outcome).toMatchObject({ state: 'completed', step: steps });
    expect(actual.losses).toHaveLength(expected.losses.length);
    for (const [i, loss] of actual.losses.entries())
      expect(Math.abs(loss - expected.losses[i]!)).toBeLessThan({ f32: 1e-4, f16: 5e-3, bf16: 4e-2 }[precision]);
    const valLosses = [actual, expected].map(({ events }) =>
      events.flatMap((e) => (e.type === 'evaluation' ? [e.valLoss] : [])).at(-1)!,
    );
    expect(Math.abs(valLosses[0]! - valLosses[1]!)).toBeLessThan({ f32: 1e-3, f16: 1e-2, bf16: 8e-2 }[precision]);
  });
});
