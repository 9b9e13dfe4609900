import os from 'node:os';
import { defaultDevice, type DeviceChoice, requireDevice } from '../engine/devices/choose.ts';
import { kindOf } from '../engine/devices/registry.ts';
import { type DriverMemory, driverMemoryOf } from './driverMemory.ts';

/** What of a memory no plan can have. */
export interface BudgetPart {
  /** `kernels`: what a run holds besides, for kernels and recordings; `others`: what other programs hold now. */
  readonly role: 'driver' | 'kernels' | 'others';
  readonly bytes: number;
  /** Where the number of a driver comes from; `given`: by who asks. */
  readonly source?: DriverMemory['source'] | 'given';
}

/** The memory that plans are held against. */
export interface MemoryBudget {
  readonly name: string;
  readonly totalBytes: number;
  readonly parts: readonly BudgetPart[];
  /** All parts together. */
  readonly reserveBytes: number;
  /** Whether what is paged has the host's memory beside it: where host and device are one, it counts. */
  readonly isApart: boolean;
  /** What of the host's memory is free now for what is paged, where that is known and apart. */
  readonly hostBytes?: number;
}

const withParts = (name: string, totalBytes: number, parts: readonly BudgetPart[], isApart: boolean): MemoryBudget => ({
  ...{ name, totalBytes, parts, isApart },
  reserveBytes: parts.reduce((sum, part) => sum + part.bytes, 0),
});

/** A memory of a size, on a GPU that need not be here. */
export const sizedBudget = (name: string, totalBytes: number, reserveBytes: number): MemoryBudget =>
  withParts(name, totalBytes, [{ role: 'driver', bytes: reserveBytes, source: 'given' }], true);

/**
 * What this machine has for a run: the memory of a GPU, as it is now, or its own.
 * @param home where it is kept what drivers take; undefined where there is none yet
 * @param driverBytes in the place of what is kept or assumed
 * @throws UserError when there is no such GPU
 */
export function machineBudget(
  home: string | undefined,
  device: DeviceChoice = defaultDevice(),
  driverBytes?: number,
): MemoryBudget {
  const kind = kindOf(device.kind).gpus;
  if (!kind) return withParts('this machine', os.totalmem(), [], false);
  requireDevice(device);
  const { gpu: ordinal = 0 } = device;
  const { gpus } = kind.find();
  const { name, memoryBytes, freeBytes } = gpus.find((g) => g.ordinal === ordinal)?.gpu ?? kind.look(ordinal);
  const which = gpus.length > 1 ? ` (GPU ${ordinal})` : '';
  const given = { bytes: driverBytes ?? 0, moduleReserveBytes: 0, source: 'given' } as const;
  const { bytes, moduleReserveBytes, source } = driverBytes === undefined ? driverMemoryOf(home, name) : given;
  const parts: BudgetPart[] = [
    { role: 'driver', bytes, source },
    ...(moduleReserveBytes > 0 ? [{ role: 'kernels' as const, bytes: moduleReserveBytes }] : []),
    { role: 'others', bytes: Math.max(0, memoryBytes - freeBytes) },
  ];
  const { hostBytes } = kind.memory(ordinal, { memoryBytes, freeBytes }, bytes + moduleReserveBytes);
  return { ...withParts(`this machine's ${name}${which}`, memoryBytes, parts, true), hostBytes };
}
