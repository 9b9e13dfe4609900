import { UserError } from '../../errors.ts';
import { formatBytes } from '../../format.ts';
import type { RunConfig } from '../config.ts';
import type { Precision } from '../program/types.ts';
import { createCpuDevice } from './cpu/device.ts';
import { processorMemory } from './cpu/memory.ts';
import type { GpuDescription } from './cuda/addon.ts';
import { createCudaDevice, lookAtGpu } from './cuda/device.ts';
import { findGpus, unusable } from './cuda/found.ts';
import { recordingReserve } from './cuda/memory.ts';
import { peakOf } from './cuda/peak.ts';
import type { Device } from './device.ts';
import { isGpuFull } from './outOfMemory.ts';
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
  /** Where other programs may hold some of it. */
  readonly shared?: {
    /** For arenas, did nobody else hold any. */
    readonly bytes: number;
    /** What gives so many bytes back. */
    relief(neededBytes: number): string;
  };
}

/**
 * What gives a GPU's memory back, or takes another's.
 * @param heldBy names of the runs that train on it, as far as they are known
 * @param other a GPU that has room, where there is one
 */
export function relief(heldBy: readonly string[], other?: number): string {
  const instead =
    other === undefined ? 'or take the processor (--device cpu)' : `or take GPU ${other} (--gpu-index ${other})`;
  if (heldBy.length === 0) return `end what else uses the GPU (nvidia-smi lists it), ${instead}`;
  const [run, ...others] = heldBy;
  const who = others.length > 0 ? `the runs ${heldBy.join(', ')} train` : `the run ${run} trains`;
  return `${who} on it: pause ${others.length > 0 ? 'them' : 'it'}, ${instead}`;
}

/** Another GPU of this machine that has so much free, where there is one. */
export const otherGpuWith = (ordinal: number, bytes: number): number | undefined =>
  findGpus().gpus.find((g) => g.ordinal !== ordinal && (g.gpu?.freeBytes ?? -1) >= bytes)?.ordinal;

/**
 * A GPU's memory that plans may take.
 * @param reservedBytes what no plan gets: of the driver's, and for recordings
 * @param heldBy see `relief`
 */
export function gpuMemory(
  ordinal: number,
  { memoryBytes, freeBytes }: Pick<GpuDescription, 'memoryBytes' | 'freeBytes'>,
  reservedBytes: number,
  heldBy: readonly string[] = [],
): Required<DeviceMemory> {
  return {
    bytes: Math.max(0, freeBytes - reservedBytes),
    hostBytes: process.availableMemory(),
    shared: {
      bytes: memoryBytes - reservedBytes,
      relief: (neededBytes) => relief(heldBy, otherGpuWith(ordinal, neededBytes + reservedBytes)),
    },
  };
}

/**
 * Opens the device that a run's config names.
 * @param precision whose peak is wanted
 * @param productsFile where it is kept who multiplies what on a GPU; undefined: nowhere
 * @param heldBy see `relief`
 * @throws UserError when it can't be used here
 */
export async function openDevice(
  { kind, threads, gpu: ordinal, tf32 }: RunConfig['device'],
  precision: Precision,
  productsFile: string | undefined,
  heldBy: readonly string[] = [],
): Promise<OpenedDevice> {
  switch (kind) {
    case 'cpu': {
      const device = createCpuDevice(threads === undefined ? {} : { threads });
      return { device, memory: processorMemory(), peakFlops: device.fmaPeak().allThreads };
    }
    case 'tfjs': {
      return { device: await createTfjsDevice(), memory: processorMemory(), peakFlops: Number.NaN };
    }
    case 'cuda': {
      const options = { ...(ordinal === undefined ? {} : { ordinal }), ...(tf32 === undefined ? {} : { tf32 }) };
      const device = usable(
        () => createCudaDevice({ ...options, productsFile, asideBytes: recordingReserve }),
        ordinal ?? 0,
        heldBy,
      );
      const { freeBytes, memoryBytes, overheadBytes } = device.gpu;
      // What the context took is not free any more.
      const contextBytes = Math.max(0, overheadBytes);
      const memory = gpuMemory(
        ordinal ?? 0,
        { memoryBytes, freeBytes: freeBytes + contextBytes },
        contextBytes + recordingReserve,
        heldBy,
      );
      if (memory.bytes === 0) throw full(device.gpu, memory);
      return {
        device,
        memory,
        peakFlops: peakOf(device.gpu, precision, tf32 ?? false),
        ...(overheadBytes >= 0 ? { contextBytes: overheadBytes } : {}),
      };
    }
  }
}

/** What a driver says is told as a user's error: it is too old, the GPU is not there, or has no room for a context. */
function usable<T>(open: () => T, ordinal: number, heldBy: readonly string[]): T {
  try {
    return open();
  } catch (error) {
    if (!isGpuFull(error)) throw unusable(error);
    throw fullNow(ordinal, heldBy) ?? unusable(error);
  }
}

/** That a GPU is full, where its driver can tell. */
function fullNow(ordinal: number, heldBy: readonly string[]): UserError | undefined {
  try {
    const gpu = lookAtGpu(ordinal);
    return full(gpu, gpuMemory(ordinal, gpu, recordingReserve, heldBy));
  } catch {
    return undefined;
  }
}

function full(
  { name, memoryBytes, freeBytes }: Pick<GpuDescription, 'name' | 'memoryBytes' | 'freeBytes'>,
  { shared }: Required<DeviceMemory>,
): UserError {
  // A driver that can't tell what is free says that all is.
  const free = freeBytes < memoryBytes ? `, ${formatBytes(freeBytes)} of ${formatBytes(memoryBytes)} are free` : '';
  return new UserError(`${name} is full${free}: ${shared.relief(0)}.`);
}
