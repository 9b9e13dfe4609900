import { describe, expect, it } from 'vitest';
import { parseRunConfig, type RunConfigInput } from '../../../electron/engine/run/config.ts';
import { moduleReserve } from '../../../electron/engine/devices/gpu.ts';
import { openDevice } from '../../../electron/engine/devices/choose.ts';
import { gpuMemory } from '../../../electron/engine/devices/cuda/room.ts';
import { requireTrainableHere } from '../../../electron/engine/run/admission.ts';
import { lookAtGpu } from '../../../electron/engine/devices/cuda/device.ts';
import { UserError } from '../../../electron/base/errors.ts';
import { hasEmulator } from '../../native/gpu.ts';
import { seeGpus } from '../../gpus.ts';
import { tempDir } from '../../temp.ts';
import { smallRun } from '../run/harness.ts';
import { lack, where } from '../../frame/needs.ts';

const [mib, gib] = [2 ** 20, 2 ** 30];
const open = (gpu?: number, heldBy?: string[]) => {
  const device = { kind: 'cuda', ...(gpu === undefined ? {} : { gpu }) } as const;
  return openDevice(device, { precision: 'f32', findings: tempDir(), ...(heldBy ? { heldBy } : {}) });
};

where(describe, [hasEmulator, lack.emulator])('a GPU that a run opens', () => {
  it('has for plans what is free but for recordings', async () => {
    seeGpus([{}]);
    const { device, memory, peakFlops } = await open();
    expect([device.kind, device.description]).toEqual(['cuda', 'cuda: emulated GPU']);
    expect(memory.bytes).toBe(8 * gib - moduleReserve);
    expect(memory.hostBytes).toBeGreaterThan(0);
    expect(peakFlops()).toBeNaN();
  });

  it('that is not there is told in one line', async () => {
    seeGpus([{}]);
    await expect(open(3)).rejects.toThrow(UserError);
    await expect(open(3)).rejects.toThrow(/^There is no GPU 3, of 1\. .*trainyard doctor/);
  });

  it('that is full says who holds it, as far as that is known', async () => {
    seeGpus([{ freeBytes: 100 * mib }]);
    await expect(open()).rejects.toThrow(/^emulated GPU is full, 100\.00 MiB .*nvidia-smi.*--device cpu\)\.$/);
    await expect(open(0, ['big', 'bigger'])).rejects.toThrow(/the runs big, bigger train on it: pause them/);
  });

  it('that has no room for a context either says the same', async () => {
    seeGpus([{ freeBytes: 0 }, {}]);
    const full =
      /^emulated GPU is full, 0 B of 8\.00 GiB are free: the run big trains .* or take GPU 1 \(--gpu-index 1\)\.$/;
    await expect(open(0, ['big'])).rejects.toThrow(UserError);
    await expect(open(0, ['big'])).rejects.toThrow(full);
  });
});

describe('what a device can not train', () => {
  const run = (changes: Partial<RunConfigInput>) => smallRun({ device: { kind: 'cuda' }, ...changes });
  const has = (driverBytes: number) => gpuMemory(0, lookAtGpu(0), driverBytes);
  const model = { vocabSize: 61, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 256 };

  it('by its shape is known without opening it', () => {
    seeGpus([{}]);
    const refused =
      /^Phase 1 .* can't be trained on this device: cuda can't run .*heads are 256 wide, and 128 is the most/;
    expect(() => requireTrainableHere(run({ model }), 0)).toThrow(refused);
    expect(() => requireTrainableHere(run({ model: { ...model, nHead: 2 } }), 0)).not.toThrow();
    expect(() => requireTrainableHere(run({ model, device: { kind: 'cpu' } }), 0)).not.toThrow();
  });

  it('by its memory is known without opening it, its driver left room', () => {
    const config = run({});
    seeGpus([{ freeBytes: 513 * mib }]);
    expect(() => requireTrainableHere(config, 0, has(512 * mib))).not.toThrow();
    expect(() => requireTrainableHere(config, 0, has(513 * mib - 1024))).toThrow(
      /needs .* and the device has 1\.00 KiB free/,
    );
    const large = { vocabSize: 50257, contextLength: 1024, nLayer: 48, nHead: 25, nEmbd: 1600 };
    const xl = parseRunConfig({ ...config, model: large, batch: 1, tokensPerStep: 1024 });
    seeGpus([{}]);
    expect(() => requireTrainableHere(xl, 0, has(0))).toThrow(/needs \d\d\.\d\d GiB and the device has 8\.00 GiB free/);
    expect(() => requireTrainableHere(xl, 0)).not.toThrow();
  });

  it('because others hold its memory is not blamed on the model: who does, and which GPU has room', () => {
    const config = run({});
    const refusal = (heldBy: string[]) => () =>
      requireTrainableHere(config, 0, gpuMemory(0, lookAtGpu(0), 512 * mib, heldBy));
    seeGpus([{ freeBytes: 0 }]);
    expect(refusal([])).toThrow(
      /device has 0 B free, .* too little: end what else .*or use the CPU \(--device cpu\)\.$/,
    );
    expect(refusal(['big'])).toThrow(
      /too little: the run big trains on it: pause it, or use the CPU \(--device cpu\)\.$/,
    );
    seeGpus([{ freeBytes: 0 }, { freeBytes: 512 * mib }, {}]);
    expect(refusal(['big'])).toThrow(/pause it, or take GPU 2 \(--gpu-index 2\)\.$/);
    // It would not fit the empty GPU either.
    seeGpus([{ memoryBytes: 512 * mib, freeBytes: 0 }, {}]);
    expect(refusal([])).toThrow(/a smaller model or context would fit\.$/);
  });
});
