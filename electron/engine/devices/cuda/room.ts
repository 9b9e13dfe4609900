import { FailureError, type UserError } from '../../../base/errors.ts';
import { formatBytes } from '../../../base/format.ts';
import { type GpuDescription, moduleReserve } from '../gpu.ts';
import type { DeviceAdvice, DeviceMemory } from '../kind.ts';
import { isGpuFull } from '../outOfMemory.ts';
import { lookAtGpu } from './device.ts';
import { findGpus, unusable } from './found.ts';

/**
 * What gives a GPU's memory back, or takes another's.
 * @param heldBy names of the runs that train on it, as far as they are known
 * @param other a GPU that has room, where there is one
 */
export function relief(heldBy: readonly string[], other?: number): string {
  const instead = other === undefined ? 'or use the CPU (--device cpu)' : `or take GPU ${other} (--gpu-index ${other})`;
  if (heldBy.length === 0) return `end what else uses the GPU (nvidia-smi lists it), ${instead}`;
  const [run, ...others] = heldBy;
  const who = others.length > 0 ? `the runs ${heldBy.join(', ')} train` : `the run ${run} trains`;
  return `${who} on it: pause ${others.length > 0 ? 'them' : 'it'}, ${instead}`;
}

/** What can be done where a GPU can't do what it is asked for. @param heldBy see `relief` */
export const gpuAdvice = (heldBy: readonly string[]): DeviceAdvice => ({
  elsewhere: 'use the CPU (--device cpu)',
  larger: 'it takes a GPU with more memory, or the CPU (--device cpu)',
  full: (error) => (isGpuFull(error) ? relief(heldBy) : 'end other programs of this machine'),
});

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

/** What a driver says is told as a user's error: it is too old, the GPU is not there, or has no room for a context. */
export function usable<T>(open: () => T, ordinal: number, heldBy: readonly string[]): T {
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
    return full(gpu, gpuMemory(ordinal, gpu, moduleReserve, heldBy));
  } catch {
    return undefined;
  }
}

export function full(
  { name, memoryBytes, freeBytes }: Pick<GpuDescription, 'name' | 'memoryBytes' | 'freeBytes'>,
  { shared }: Required<DeviceMemory>,
): UserError {
  // A driver that can't tell what is free says that all is.
  const free = freeBytes < memoryBytes ? `, ${formatBytes(freeBytes)} of ${formatBytes(memoryBytes)} are free` : '';
  return new FailureError('memory', `${name} is full${free}: ${shared.relief(0)}.`);
}
