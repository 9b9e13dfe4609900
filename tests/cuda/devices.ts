import fs from 'node:fs';
import { emulatedAddonPath } from '../../electron/engine/devices/cuda/addon.ts';
import { createCudaDevice } from '../../electron/engine/devices/cuda/device.ts';
import type { TestedDevice } from '../engine/devices.ts';

/** The emulated GPU is built with the addons; where there is no C++ compiler, its tests are skipped by name. */
export const hasEmulator = fs.existsSync(emulatedAddonPath);

export const orders = ['forward', 'reverse', 'random', 'warpAhead'] as const;

/** A GPU whose threads take turns in an order. */
export const emulated = (order: (typeof orders)[number], seed = 0): TestedDevice => ({
  name: `emulated GPU, ${order}`,
  open: async () => createCudaDevice({ addon: emulatedAddonPath, order, ordinal: seed }),
});
