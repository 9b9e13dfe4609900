import fs from 'node:fs';
import path from 'node:path';
import { onTestFinished, vi } from 'vitest';
import type { GpuDescription } from '../electron/engine/devices/gpu.ts';
import { tempDir } from './temp.ts';
import { emulatedAddonPath } from './native/gpu.ts';

const gib = 2 ** 30;

/** What a driver says of a GPU; a text: why it can't be used. */
export type Shown = Partial<GpuDescription> | string;

/** That there is no driver: as native code says it. */
export const noDriver = (cuda: string) => ({ code: 'noDriver', args: { cuda } }) as const;

const defaults: GpuDescription = {
  name: 'emulated GPU',
  computeCapability: '8.6',
  processors: 2,
  boostHertz: 0,
  memoryBytes: 8 * gib,
  freeBytes: 8 * gib,
  overheadBytes: 0,
  driver: 'CUDA 13.0',
  library: '',
};

/**
 * An addon that shows the GPUs of a machine that is not this one. Where the emulator is built, it computes for them, in
 * the memory that they have free.
 * @param none what is said where there is none
 * @returns its path, which every process takes that finds it in TRAINYARD_CUDA_ADDON
 */
export function machineWith(
  gpus: readonly Shown[],
  none: string | ReturnType<typeof noDriver> = 'No GPU can be used: no CUDA-capable device is detected',
) {
  const file = path.join(tempDir(), 'gpus.cjs');
  const shown = gpus.map((gpu) => (typeof gpu === 'string' ? gpu : { ...defaults, ...gpu }));
  const emulator = fs.existsSync(emulatedAddonPath) ? `require(${JSON.stringify(emulatedAddonPath)})` : '{}';
  fs.writeFileSync(
    file,
    `const emulator = ${emulator};
const shown = ${JSON.stringify(shown)};
const made = new WeakMap();
const lookAtDevice = (n) => {
  const gpu = shown.length === 0 ? ${JSON.stringify(none)} : (shown[n] ?? 'There is no GPU ' + n + ', of ' + shown.length);
  if (typeof gpu === 'string') throw new Error(gpu);
  if ('code' in gpu) throw Object.assign(new Error(gpu.code), gpu);
  return gpu;
};
module.exports = {
  ...emulator,
  /** How often it was asked for the number of its GPUs. */
  asked: 0,
  countDevices: () => (module.exports.asked++, shown.length),
  lookAtDevice,
  libraryVersion: () => '',
  createDevice(o) {
    const gpu = lookAtDevice(o.ordinal);
    emulator.emulate({ memoryBytes: gpu.freeBytes });
    const device = emulator.createDevice({ ...o, ordinal: 0 });
    made.set(device, { name: gpu.name, memoryBytes: gpu.memoryBytes });
    return device;
  },
  describeDevice: (device) => ({ ...emulator.describeDevice(device), ...made.get(device) }),
};
`,
  );
  return file;
}

/** Makes this process, and those that it starts, see the GPUs of a machine until the test ends. */
export function seeGpus(...machine: Parameters<typeof machineWith>): string {
  const addon = machineWith(...machine);
  vi.stubEnv('TRAINYARD_CUDA_ADDON', addon);
  onTestFinished(() => void vi.unstubAllEnvs());
  return addon;
}
