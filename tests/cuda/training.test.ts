import { describe, expect, it } from 'vitest';
import type { Precision } from '../../electron/engine/program/types.ts';
import { tempDir } from '../temp.ts';
import { cpu, hasCpu } from '../engine/devices.ts';
import { smallRun, train } from '../engine/trainer/harness.ts';
import { emulated, hasEmulator } from './devices.ts';

const run = (optimizer: 'adamw' | 'adamw8bit' | 'pagedAdamw8bit' | 'adamw4bit', precision: Precision) =>
  smallRun({
    phases: [{ kind: 'constant', steps: 3, from: 3e-3, to: 3e-3 }],
    optimizer: { kind: optimizer },
    precision,
  });

describe.skipIf(!hasCpu || !hasEmulator)('training on an emulated GPU', () => {
  it.each([
    ['adamw', 'f32'],
    ['adamw', 'f16'],
    ['adamw', 'bf16'],
    ['adamw8bit', 'f32'],
    ['pagedAdamw8bit', 'f32'],
    ['adamw4bit', 'f32'],
  ] as const)('follows the cpu with %s in %s, step by step', async (optimizer, precision) => {
    const config = run(optimizer, precision);
    const [gpu, host] = [await emulated('random').open(), await cpu(2).open()];
    const [actual, expected] = [await train(gpu, tempDir(), config), await train(host, tempDir(), config)];
    expect(actual.outcome).toMatchObject({ state: 'completed', step: 3 });
    for (const [i, loss] of actual.losses.entries())
      expect(Math.abs(loss - expected.losses[i]!)).toBeLessThan({ f32: 1e-4, f16: 5e-3, bf16: 4e-2 }[precision]);
    const valLosses = [actual, expected].map(({ events }) =>
      events.flatMap((e) => (e.type === 'evaluation' ? [e.valLoss] : [])).at(-1)!,
    );
    expect(Math.abs(valLosses[0]! - valLosses[1]!)).toBeLessThan({ f32: 1e-3, f16: 1e-2, bf16: 8e-2 }[precision]);
  });
});
