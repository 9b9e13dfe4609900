import { describe, expect, it } from 'vitest';
import type { Precision } from '../../electron/engine/program/types.ts';
import { cpu, hasCpu } from '../engine/devices.ts';
import { smallRun, train } from '../engine/trainer/harness.ts';
import { tempDir } from '../temp.ts';
import { hasInterpretedGpu, interpreted } from './interpreter.ts';

const run = (optimizer: 'adamw' | 'adamw8bit' | 'pagedAdamw8bit' | 'adamw4bit', precision: Precision) =>
  smallRun({
    phases: [{ kind: 'constant', steps: 4, from: 3e-3, to: 3e-3 }],
    optimizer: { kind: optimizer },
    precision,
  });

describe.skipIf(!hasCpu || !hasInterpretedGpu)('training by kernels as nvcc compiles them', () => {
  it.each([
    ['adamw', 'f32'],
    ['adamw', 'f16'],
    ['adamw', 'bf16'],
    ['adamw8bit', 'f16'],
    ['pagedAdamw8bit', 'f16'],
    ['adamw4bit', 'f16'],
  ] as const)('follows the cpu with %s in %s, step by step', async (optimizer, precision) => {
    const config = run(optimizer, precision);
    const [gpu, host] = [await interpreted('random').open(), await cpu(2).open()];
    const [actual, expected] = [await train(gpu, tempDir(), config), await train(host, tempDir(), config)];
    expect(actual.outcome).toMatchObject({ state: 'completed', step: 4 });
    expect(actual.losses).toHaveLength(expected.losses.length);
    for (const [i, loss] of actual.losses.entries())
      expect(Math.abs(loss - expected.losses[i]!)).toBeLessThan({ f32: 1e-4, f16: 5e-3, bf16: 4e-2 }[precision]);
  });
});
