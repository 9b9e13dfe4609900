import os from 'node:os';
import { UserError } from '../../errors.ts';
import { formatBytes } from '../../format.ts';
import type { RunConfig } from '../config.ts';
import type { Precision } from '../program/types.ts';
import { createCpuDevice } from './cpu/device.ts';
import { createCudaDevice } from './cuda/device.ts';
import { unusable } from './cuda/found.ts';
import { peakOf } from './cuda/peak.ts';
import type { Device } from './device.ts';
import { createTfjsDevice } from './tfjs/device.ts';

export interface OpenedDevice {
  readonly device: Device;
  /** What plans may take. */
  readonly memory: DeviceMemory;
  /** Peak in FLOP/s for matrix products, measured or from a data sheet; NaN when it is not known. */
  readonly peakFlops: number;
  /** What a GPU's driver took for this process before anything was loaded, where that can be measured. */
  readonly contextBytes?: number;
}

export interface DeviceMemory {
  /** For arenas in the device's memory. */
  readonly bytes: number;
  /** For those that are paged; absent where the host's memory is the device's own. */
  readonly hostBytes?: number;
}

/**
 * Left free of a GPU's memory for what comes with programs: kernels, some megabytes of them, the library's too, and
 * recordings, of up to 7000 calls of kernels at some kilobytes each.
 */
export const recordingReserve = 192 * 2 ** 20;

/** What gives a GPU's memory back. @param heldBy names of the runs that train on it, as far as they are known */
export function relief(heldBy: readonly string[]): string {
  if (heldBy.length === 0) return 'end what else uses the GPU (nvidia-smi lists it), or take --device cpu';
  const [run, ...others] = heldBy;
  const who = others.length > 0 ? `the runs ${heldBy.join(', ')} train` : `the run ${run} trains`;
  return `${who} on it: pause ${others.length > 0 ? 'them' : 'it'}, or take --device cpu`;
}

/**
 * Opens the device that a run's config names.
 * @param precision whose peak is wanted
 * @param productsFile where it is kept who multiplies what on a GPU
 * @param heldBy see `relief`
 * @throws UserError when it can't be used here
 */
export async function openDevice(
  { kind, threads, gpu: ordinal, tf32 }: RunConfig['device'],
  precision: Precision,
  productsFile: string,
  heldBy: readonly string[] = [],
): Promise<OpenedDevice> {
  switch (kind) {
    case 'cpu': {
      const device = createCpuDevice(threads === undefined ? {} : { threads });
      return { device, memory: { bytes: os.totalmem() }, peakFlops: device.fmaPeak().allThreads };
    }
    case 'tfjs': {
      return { device: await createTfjsDevice(), memory: { bytes: os.totalmem() }, peakFlops: Number.NaN };
    }
    case 'cuda': {
      const options = { ...(ordinal === undefined ? {} : { ordinal }), ...(tf32 === undefined ? {} : { tf32 }) };
      const device = usable(() => createCudaDevice({ ...options, productsFile }));
      const { freeBytes, memoryBytes, name, overheadBytes } = device.gpu;
      const bytes = freeBytes - recordingReserve;
      if (bytes <= 0) {
        throw new UserError(
          `${name} is full, ${formatBytes(freeBytes)} of ${formatBytes(memoryBytes)} are free: ${relief(heldBy)}.`,
        );
      }
      return {
        device,
        memory: { bytes, hostBytes: process.availableMemory() },
        peakFlops: peakOf(device.gpu, precision, tf32 ?? false),
        ...(overheadBytes >= 0 ? { contextBytes: overheadBytes } : {}),
      };
    }
  }
}

/** What a driver says is told as a user's error: a driver that is too old, a GPU that is not there. */
function usable<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw unusable(error);
  }
}
