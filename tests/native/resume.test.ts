import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunConfigInput } from '../../electron/engine/run/config.ts';
import { tempDir } from '../temp.ts';
import { cpu, hasCpu } from '../engine/devices.ts';
import { smallRun, train } from '../engine/run/harness.ts';
import type { orders } from './gpu.ts';
import { createPlayedGpu, hasEmulator } from './gpu.ts';
import { lack, where } from '../frame/needs.ts';

const open = (order: (typeof orders)[number]) => createPlayedGpu({ order, ordinal: 3, library: null });

/** A run that evaluates, and switches its optimizer. */
const switching = (precision: RunConfigInput['precision'], optimizer: 'pagedAdamw8bit' | 'adamw4bit') =>
  smallRun({
    precision,
    phases: [
      { kind: 'warmup', steps: 2, from: 1e-3, to: 3e-3 },
      { kind: 'constant', steps: 2, from: 3e-3, to: 3e-3, optimizer },
    ],
    evaluation: { every: 3, sequences: 4 },
  });

const files = ['model.safetensors', 'optimizer.safetensors'];
const bytesAt = (root: string, step: number) =>
  files.map((file) => fs.readFileSync(path.join(root, `step-00000${step}`, file)));

where(describe, [hasEmulator, lack.emulator])('a run on an emulated GPU', () => {
  it.each([
    ['f16', 'pagedAdamw8bit', 1],
    ['f16', 'pagedAdamw8bit', 3],
    ['bf16', 'adamw4bit', 2],
  ] as const)(
    'in %s with %s, stopped at step %i, goes on to the same bits, in whatever order its threads run',
    async (precision, optimizer, stopAfter) => {
      const config = switching(precision, optimizer);
      const [root, other] = [tempDir(), tempDir()];
      const whole = await train(open('forward'), root, config);
      expect(whole.outcome).toMatchObject({ state: 'completed', step: 4 });
      const first = await train(open('warpAhead'), other, config, { stopAfter });
      const rest = await train(open('random'), other, config, { from: await first.checkpoint(stopAfter) });
      expect([...first.losses, ...rest.losses]).toEqual(whole.losses);
      expect(bytesAt(other, 4)).toEqual(bytesAt(root, 4));
    },
  );

  where(it, [hasCpu, lack.cpu])('goes on with what the processor trained, and the other way round', async () => {
    const config = smallRun({ phases: [{ kind: 'constant', steps: 4, from: 3e-3, to: 3e-3 }] });
    const { losses: expected } = await train(await cpu(2).open(), tempDir(), config);
    const [gpu, host] = [open('forward'), await cpu(2).open()];
    for (const [before, after] of [
      [gpu, host],
      [host, gpu],
    ] as const) {
      const root = tempDir();
      const first = await train(before, root, config, { stopAfter: 2 });
      const rest = await train(after, root, config, { from: await first.checkpoint(2) });
      expect(rest.outcome).toMatchObject({ state: 'completed', step: 4 });
      for (const [i, loss] of [...first.losses, ...rest.losses].entries())
        expect(Math.abs(loss - expected[i]!)).toBeLessThan(1e-4);
    }
  });
});
