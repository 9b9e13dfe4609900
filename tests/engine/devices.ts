import fs from 'node:fs';
import { addonPath } from '../../electron/engine/devices/cpu/addon.ts';
import { createCpuDevice } from '../../electron/engine/devices/cpu/device.ts';
import type { Device } from '../../electron/engine/devices/device.ts';
import { createTfjsDevice } from '../../electron/engine/devices/tfjs/device.ts';

export interface TestedDevice {
  readonly name: string;
  readonly open: () => Promise<Device>;
}

/** The cpu device needs the compiled addon; where there is none, its tests are skipped by name. */
export const hasCpu = fs.existsSync(addonPath);

export const cpu = (threads: number): TestedDevice => ({
  name: `cpu with ${threads} thread${threads === 1 ? '' : 's'}`,
  open: async () => createCpuDevice({ threads }),
});

export const tfjs: TestedDevice = { name: 'tfjs', open: createTfjsDevice };
