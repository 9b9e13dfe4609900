import { formatBytes } from '../../../base/format.ts';
import { align, type ArenaName, arenaNames, type PlanSizes } from '../../program/planner.ts';
import type { DeviceMemoryUse } from '../device.ts';
import { isOutOfMemory, OutOfMemory } from '../outOfMemory.ts';
import type { GpuAddon, NativeGpu } from './addon.ts';

/** The arena that lies in the host's memory. */
export const hostArena: ArenaName = 'paged';

/** What a plan takes of both memories: its arenas, one behind the other. */
interface ArenaSizes {
  readonly bytes: number;
  readonly hostBytes: number;
}

/**
 * What this process holds of a GPU's memory beside the driver's context: arenas, kernels and recordings that came with
 * programs, and, once plans have reserved memory, room for those that come with later ones.
 */
export class GpuMemory {
  readonly #addon: GpuAddon;
  readonly #native: NativeGpu;
  readonly #moduleReserveBytes: number;
  #reserved: ArenaSizes = { bytes: 0, hostBytes: 0 };
  #moduleBytes = 0;

  /** @param moduleReserveBytes for what comes with programs, all in all */
  constructor(addon: GpuAddon, native: NativeGpu, moduleReserveBytes: number) {
    this.#addon = addon;
    this.#native = native;
    this.#moduleReserveBytes = moduleReserveBytes;
  }

  now(): DeviceMemoryUse {
    const { processBytes, ...now } = this.#addon.memory(this.#native);
    return {
      ...now,
      moduleBytes: this.#moduleBytes,
      lackingBytes: Math.max(0, this.#wantedModuleReserve - now.moduleReserveBytes),
      ...(processBytes >= 0 ? { processBytes } : {}),
    };
  }

  /** See `Device.holds`. */
  holds(plans: readonly PlanSizes[]): boolean {
    const { bytes, hostBytes } = largest(plans);
    return bytes <= this.#reserved.bytes && hostBytes <= this.#reserved.hostBytes;
  }

  /** See `Device.reserve`. @throws OutOfMemory */
  reserve(plans: readonly PlanSizes[]): void {
    const needed = largest(plans);
    const isFirst = this.#reserved.bytes === 0;
    this.#reserved = { bytes: 0, hostBytes: 0 };
    this.#addon.reserve(this.#native, needed.bytes, needed.hostBytes);
    // Later it may have been lost to others, and a run that trains goes on without.
    if (!this.#setModuleReserve(this.#wantedModuleReserve) && isFirst)
      throw new OutOfMemory(
        `out of memory: ${formatBytes(this.#wantedModuleReserve)} for kernels and CUDA graphs could not be reserved`,
      );
    this.#reserved = needed;
  }

  /**
   * Loads programs: what is set aside is for what comes with them.
   * @param load may be called a second time
   */
  loading<T>(load: () => T): T {
    const { moduleReserveBytes } = this.#addon.memory(this.#native);
    const halfFirst = (): T => {
      try {
        // What is let go of anybody may take.
        this.#setModuleReserve(Math.floor(moduleReserveBytes / 2));
        return load();
      } catch (error) {
        if (moduleReserveBytes === 0 || !isOutOfMemory(error)) throw error;
        this.#setModuleReserve(0);
        return load();
      }
    };
    try {
      return this.counting(halfFirst);
    } finally {
      if (this.#reserved.bytes > 0) this.#setModuleReserve(this.#wantedModuleReserve);
    }
  }

  /** Does what brings kernels and recordings, or takes them away: what others take or give back meanwhile is counted, too. */
  counting<T>(work: () => T): T {
    const before = this.#leftBytes();
    const result = work();
    const moduleBytes = this.#moduleBytes + before - this.#leftBytes();
    if (Number.isFinite(moduleBytes)) this.#moduleBytes = Math.max(0, moduleBytes);
    return result;
  }

  get #wantedModuleReserve(): number {
    return Math.max(0, this.#moduleReserveBytes - this.#moduleBytes);
  }

  /** All but what comes with programs, and what others hold. A GPU that has failed can't tell. */
  #leftBytes(): number {
    try {
      const { freeBytes, arenaBytes, moduleReserveBytes } = this.#addon.memory(this.#native);
      return freeBytes + arenaBytes + moduleReserveBytes;
    } catch {
      return Number.NaN;
    }
  }

  /** @returns whether it was there; not on a GPU that has failed, which whoever uses it next is told */
  #setModuleReserve(bytes: number): boolean {
    try {
      return this.#addon.setModuleReserve(this.#native, bytes);
    } catch {
      return false;
    }
  }
}

function largest(plans: readonly PlanSizes[]): ArenaSizes {
  const all = plans.map(sizesOf);
  const max = (of: (s: ArenaSizes) => number) => Math.max(0, ...all.map(of));
  return { bytes: max((s) => s.bytes), hostBytes: max((s) => s.hostBytes) };
}

function sizesOf({ arenaBytes }: PlanSizes): ArenaSizes {
  const sum = (names: readonly ArenaName[]) => names.reduce((all, name) => all + align(arenaBytes[name]), 0);
  return { bytes: sum(arenaNames.filter((name) => name !== hostArena)), hostBytes: sum([hostArena]) };
}
