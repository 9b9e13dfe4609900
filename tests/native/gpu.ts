/** GPUs that are played on the host: see tests/native/build.ts. */
import fs from 'node:fs';
import { packageFile } from '../../electron/base/paths.ts';
import { type GpuAddon, loadGpuAddon, type NativeGpu } from '../../electron/engine/devices/cuda/addon.ts';
import {
  type CudaDevice,
  type CudaDeviceOptions,
  createCudaDevice,
} from '../../electron/engine/devices/cuda/device.ts';
import type { TestedDevice } from '../engine/devices.ts';

const addonPath = (name: string): string => packageFile(`native/build/tests/trainyard_${name}.node`);

/** The addon that plays a GPU by the kernels' sources. */
export const emulatedAddonPath = addonPath('emulated');
/** The one that plays a GPU by interpreting the PTX that nvcc makes of the kernels. */
export const interpretedAddonPath = addonPath('ptx');
/** The one that plays NVIDIA's library of matrix products. */
export const standInLibraryPath = addonPath('blasLt');

/** The one that plays NVIDIA's library of its driver. */
export const nvmlStandInPath = addonPath('nvml');

/** The emulated GPU is built with the addons; where there is no C++ compiler, its tests are skipped by name. */
export const hasEmulator = fs.existsSync(emulatedAddonPath);

/** How threads take turns. */
export const orders = ['forward', 'reverse', 'random', 'warpAhead'] as const;
export type Order = (typeof orders)[number];

/** What is chosen of a played GPU. Default: threads in the order forward, and 8 GiB. */
export interface Emulation {
  readonly order?: Order;
  readonly memoryBytes?: number;
}

/** What addons that play a GPU export besides what those of GPUs do. */
interface PlayingAddon extends GpuAddon {
  /** Of the devices that are created from now on. */
  emulate(emulation: Emulation): void;
  /** Names of the kernels since this was last asked, the latest thousand. */
  launched(device: NativeGpu): string[];
  /** Of `emulatedAddonPath` alone: what is wrong with one of its own kernels. */
  selfTest(device: NativeGpu, kernel: string): string;
}

export const loadPlayingAddon = (file = emulatedAddonPath): PlayingAddon => loadGpuAddon(file) as PlayingAddon;

/** A GPU that is played, by default by the kernels' sources; its ordinal is the seed of what is random. */
export function createPlayedGpu({
  order = 'forward',
  memoryBytes,
  addon = emulatedAddonPath,
  ...options
}: CudaDeviceOptions & Emulation = {}): CudaDevice {
  const playing = loadPlayingAddon(addon);
  playing.emulate({ order, ...(memoryBytes === undefined ? {} : { memoryBytes }) });
  try {
    return createCudaDevice({ ...options, addon });
  } finally {
    playing.emulate({});
  }
}

/** A GPU whose threads take turns in an order. */
export const emulated = (order: Order, seed = 0): TestedDevice => ({
  name: `emulated GPU, ${order}`,
  open: async () => createPlayedGpu({ order, ordinal: seed }),
});
