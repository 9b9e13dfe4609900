import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { moduleReserve } from '../../electron/engine/devices/gpu.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { hasEmulator } from '../native/gpu.ts';
import { hasCpu } from '../engine/devices.ts';
import { machineWith } from '../gpus.ts';
import { tempDir } from '../temp.ts';
import { runCli } from './run.ts';
import { oneLineOf } from './workplace.ts';
import { lack, where } from '../frame/needs.ts';

const little = () => machineWith([{ freeBytes: moduleReserve + 2048 }]);

/** What a bench is refused with, on a machine with some GPUs. */
async function refusal(addon: string, home: string, ...args: string[]) {
  const result = await runCli(['--home', home, 'bench', ...args], { TRAINYARD_CUDA_ADDON: addon });
  expect([result.code, result.stdout]).toEqual([1, '']);
  return oneLineOf(result.stderr);
}

where(describe, [hasCpu, lack.cpu], [hasEmulator, lack.emulator]).each(['generate', 'hellaswag'])(
  'bench %s',
  (what) => {
    it('refuses a GPU that is not there, or has no room: before anything is fetched or made', async () => {
      const home = path.join(tempDir(), 'home');
      const refused = (addon: string, ...args: string[]) => refusal(addon, home, what, '--device', 'cuda', ...args);
      expect(await refused(machineWith([]))).toMatch(/no CUDA-capable device .*--device cpu uses the CPU\.$/);
      expect(await refused(machineWith([{}]), '--gpu-index', '1')).toMatch(
        /There is no GPU 1 here: --gpu-index takes 0/,
      );
      expect(await refused(machineWith([{ freeBytes: 0 }, {}]))).toMatch(
        /^trainyard: emulated GPU is full, .*: end what else uses the GPU .*, or take GPU 1 \(--gpu-index 1\)\.$/,
      );
      expect(await refused(little(), '--precision', 'bf16')).toMatch(
        /^trainyard: Timing gpt2 in bf16 needs .* MiB and cuda: emulated GPU has 2\.00 KiB free, .* too little: .*nvidia-smi/,
      );
      expect(fs.existsSync(home)).toBe(false);
    });

    it('says which run holds the GPU', async () => {
      const home = tempDir();
      const config = parseRunConfig({
        model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 32 },
        dataset: 'none',
        tokenizer: 'bytes',
        batch: 1,
        tokensPerStep: 16,
        phases: [{ kind: 'constant', steps: 1, from: 1e-3, to: 1e-3 }],
        device: { kind: 'cuda' },
      });
      const studio = Studio.open(home);
      studio.store.runs.create({ name: 'greedy', config, device: 'cuda' });
      const reason = await refusal(little(), home, what, '--device', 'cuda', '--preset', 'nano');
      expect(reason).toMatch(/the run greedy trains on it: pause it, or use the CPU \(--device cpu\)\.$/);
      studio.close();
    });
  },
);
