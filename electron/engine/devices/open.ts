import os from 'node:os';
import type { RunConfig } from '../config.ts';
import { createCpuDevice } from './cpu/device.ts';
import type { Device } from './device.ts';
import { createTfjsDevice } from './tfjs/device.ts';

export interface OpenedDevice {
  readonly device: Device;
  /** Memory that the device holds beside the plan. */
  readonly scratchBytes: number;
  /** What the device has in all. */
  readonly memoryBytes: number;
  /** Measured peak in FLOP/s, NaN when it is not known. */
  readonly peakFlops: number;
}

/** Opens the device that a run's config names, and measures its peak. */
export async function openDevice({ kind, threads }: RunConfig['device']): Promise<OpenedDevice> {
  const memoryBytes = os.totalmem();
  if (kind === 'tfjs') return { device: await createTfjsDevice(), scratchBytes: 0, memoryBytes, peakFlops: Number.NaN };
  const device = createCpuDevice(threads === undefined ? {} : { threads });
  return { device, scratchBytes: device.scratchBytes, memoryBytes, peakFlops: device.fmaPeak().allThreads };
}
