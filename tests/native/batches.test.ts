import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { smallRun, train } from '../engine/run/harness.ts';
import { tempDir } from '../temp.ts';
import { createPlayedGpu, hasEmulator, loadPlayingAddon } from './gpu.ts';
import { lack, where } from '../frame/needs.ts';

afterEach(() => vi.unstubAllEnvs());

where(describe, [hasEmulator, lack.emulator])('kernels over several tensors at once', () => {
  const shape = { contextLength: 16, nHead: 2, dropout: 0 };

  // More tensors than one launch has room for, and one whose squares are summed in parts; matrices that are quantized.
  it.each([
    ['adamw', 'f16', { vocabSize: 4200, nEmbd: 16, nLayer: 4 }, 12 * 4 + 4, 42],
    ['adamw8bit', 'f32', { vocabSize: 61, nEmbd: 40, nLayer: 11 }, 3 * 11, 31],
  ] as const)('give the bits that one at a time gives: %s, %s', async (kind, precision, size, tensors, atOnce) => {
    const model = { ...shape, ...size };
    const config = smallRun({
      model,
      precision,
      optimizer: { kind },
      batch: 1,
      tokensPerStep: model.contextLength,
      evaluation: { every: 0, sequences: 1 },
      phases: [{ kind: 'constant', steps: 1, from: 3e-3, to: 3e-3 }],
    });
    const trained = async (timed: '0' | '1') => {
      // Calls that are timed are started one by one.
      vi.stubEnv('TRAINYARD_PROFILE', timed);
      const device = createPlayedGpu({ order: 'random', library: null });
      const addon = loadPlayingAddon();
      const root = tempDir();
      let launches = 0;
      const { outcome, events } = await train(device, root, config, {
        // Right behind the update, for the latest thousand are kept.
        onStep: () => (launches = addon.launched(device.native).filter((name) => name === kind).length),
      });
      expect(outcome).toMatchObject({ state: 'completed', step: 1 });
      const norms = events.flatMap((e) => (e.type === 'metrics' ? [e.gradNorm] : []));
      const files = ['model.safetensors', 'optimizer.safetensors'].map((file) =>
        fs.readFileSync(path.join(root, 'step-000001', file)),
      );
      return { launches, norms, files };
    };
    const [fused, alone] = [await trained('0'), await trained('1')];
    expect(alone.launches).toBe(tensors);
    expect(fused.launches).toBe(Math.ceil(tensors / atOnce));
    expect(fused.norms).toEqual(alone.norms);
    expect(fused.files).toEqual(alone.files);
  });
});
