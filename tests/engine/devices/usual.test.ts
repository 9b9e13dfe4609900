import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { cudaAddonPath, missingEngine } from '../../../electron/engine/devices/cuda/addon.ts';
import { countGpus } from '../../../electron/engine/devices/cuda/device.ts';
import { withDriver } from '../../../electron/engine/devices/cuda/found.ts';
import { NativeFailure } from '../../../electron/engine/devices/native/failures.ts';
import {
  completeDevice,
  defaultDevice,
  deviceForJob,
  onDevice,
  requireDevice,
  unusableDevices,
} from '../../../electron/engine/devices/choose.ts';
import { kindOf } from '../../../electron/engine/devices/registry.ts';
import { UserError } from '../../../electron/base/errors.ts';
import { packageFile } from '../../../electron/base/paths.ts';
import { noDriver, seeGpus } from '../../gpus.ts';

const tooOld = 'NVIDIA GeForce GTX 1080 is too old: it takes an RTX 30, an A100 or newer';

describe('what is trained on where nobody says', () => {
  it('is the processor where there is no GPU', () => {
    seeGpus([]);
    expect(defaultDevice()).toEqual({ kind: 'cpu' });
    expect(completeDevice()).toEqual({ kind: 'cpu' });
  });

  it('is the GPU with most memory free, of equals the first', () => {
    seeGpus([{}]);
    expect(defaultDevice()).toEqual({ kind: 'cuda' });
    seeGpus([tooOld, {}, {}]);
    expect(defaultDevice()).toEqual({ kind: 'cuda', gpu: 1 });
    expect(completeDevice({ tf32: true })).toEqual({ kind: 'cuda', gpu: 1, tf32: true });
    seeGpus([{ freeBytes: 10 }, tooOld, { freeBytes: 30 }, { freeBytes: 30 }, { freeBytes: 20 }]);
    expect(defaultDevice()).toEqual({ kind: 'cuda', gpu: 2 });
    seeGpus([{ freeBytes: 0 }, { freeBytes: 0 }]);
    expect(defaultDevice()).toEqual({ kind: 'cuda' });
  });

  it('is the processor where no GPU can be used, and that is told', async () => {
    seeGpus([tooOld]);
    expect(defaultDevice()).toEqual({ kind: 'cpu' });
    expect(await unusableDevices()).toEqual([tooOld]);
    seeGpus([{}, tooOld]);
    expect(await unusableDevices()).toEqual([tooOld]);
  });

  it('gives way to what is said', () => {
    seeGpus([tooOld, {}]);
    expect(completeDevice({ kind: 'cpu', threads: 2 })).toEqual({ kind: 'cpu', threads: 2 });
    expect(completeDevice({ gpu: 0 })).toEqual({ kind: 'cuda', gpu: 0 });
  });
});

describe('a device that is asked for', () => {
  it('is let through where it is there', () => {
    seeGpus([tooOld, {}]);
    expect(() => requireDevice({ kind: 'cuda', gpu: 1 })).not.toThrow();
    expect(() => requireDevice({ kind: 'cpu' })).not.toThrow();
  });

  it('is refused in one line that says why, and what to do', () => {
    seeGpus([tooOld, {}]);
    for (const [gpu, reason] of [
      [0, /^NVIDIA GeForce GTX 1080 is too old.*--device cpu/],
      [2, /^There is no GPU 2 here: --gpu-index takes 0 to 1 on this machine\..*trainyard doctor/],
    ] as const) {
      expect(() => requireDevice({ kind: 'cuda', gpu })).toThrow(UserError);
      expect(() => requireDevice({ kind: 'cuda', gpu })).toThrow(reason);
    }
    seeGpus([], noDriver('13.0'));
    const missing = /install NVIDIA driver 580 or newer\..*--device cpu/;
    expect(() => requireDevice({ kind: 'cuda' })).toThrow(missing);
    const users = { driverBytes: () => 0, heldBy: [] };
    expect(() => kindOf('cuda').memory({}, users)).toThrow(UserError);
    expect(() => kindOf('cuda').memory({}, users)).toThrow(missing);
  });

  it('names the driver that a CUDA version takes', () => {
    const none = (cuda: string) => withDriver(new NativeFailure('noDriver', { cuda }));
    expect(none('12.4')).toBe(
      'There is no NVIDIA driver here for CUDA 12.4 or newer: install NVIDIA driver 525 or newer',
    );
    expect(none('13.0')).toMatch(/driver 580 or newer$/);
    expect(withDriver(new Error('The GPU failed.'))).toBe('The GPU failed');
  });
});

describe('a job with the weights of a run', () => {
  const own = { kind: 'cuda', gpu: 1, tf32: true } as const;

  it("takes the run's device where that is there", () => {
    seeGpus([{}, {}]);
    expect(deviceForJob(own)).toEqual(own);
    expect(deviceForJob({ kind: 'cpu', threads: 3 })).toEqual({ kind: 'cpu', threads: 3 });
  });

  it('takes what can be used where it is not', () => {
    seeGpus([{}]);
    expect(deviceForJob(own)).toEqual({ kind: 'cuda', tf32: true });
    seeGpus([]);
    expect(deviceForJob(own)).toEqual({ kind: 'cpu', tf32: true });
  });

  it('takes what is asked for, or is refused', () => {
    seeGpus([{}, {}]);
    expect(deviceForJob(own, { kind: 'cpu' })).toMatchObject({ kind: 'cpu' });
    expect(deviceForJob({ kind: 'cpu', threads: 3 }, { kind: 'cuda', gpu: 1 })).toEqual({
      kind: 'cuda',
      gpu: 1,
      threads: 3,
    });
    expect(() => deviceForJob(own, { kind: 'cuda', gpu: 5 })).toThrow(/There is no GPU 5/);
  });

  it('keeps what is set for a kind of device while it works on another', () => {
    const away = onDevice({ kind: 'cuda', gpu: 1, tf32: true, threads: 4 }, { kind: 'cpu' });
    expect(away).toEqual({ kind: 'cpu', tf32: true, threads: 4 });
    expect(onDevice(away, { kind: 'cuda' })).toEqual({ kind: 'cuda', tf32: true, threads: 4 });
  });
});

describe('the GPU engine', () => {
  it('is said to be missing by what can be done about it', () => {
    expect(missingEngine('linux', true)).toMatch(/npm run build:cuda/);
    expect(missingEngine('win32', false)).toMatch(/^This build of Trainyard has no GPU engine/);
    for (const isFromSources of [true, false])
      expect(missingEngine('darwin', isFromSources)).toMatch(/^CUDA GPUs are not supported on macOS/);
  });

  it('is taken from the surroundings only where sources run', () => {
    vi.stubEnv('TRAINYARD_CUDA_ADDON', '/elsewhere/addon.node');
    try {
      expect(cudaAddonPath(true)).toBe('/elsewhere/addon.node');
      expect(cudaAddonPath(false)).toBe(packageFile('native/build/trainyard_cuda.node'));
      vi.stubEnv('TRAINYARD_CUDA_ADDON', 'away/addon.node');
      expect(cudaAddonPath(true)).toBe(path.resolve('away/addon.node'));
      expect(countGpus).toThrow(/^TRAINYARD_CUDA_ADDON names .*addon\.node, which is not there/);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
