import { formatBytes } from '../../../format.ts';
import { align, type ArenaName, arenaNames, type Plan } from '../../program/planner.ts';
import type { DeviceMemoryUse } from '../device.ts';
import { isOutOfMemory } from '../outOfMemory.ts';
import type { GpuAddon, NativeGpu } from './addon.ts';

/**
 * What plans leave of a GPU's memory for what comes with programs: kernels, some megabytes of them, the library's too, and
 * recordings, of up to 7000 calls of kernels at some kilobytes each.
 */
export const recordingReserve = 192 * 2 ** 20;

/** The arena that lies in the host's memory. */
export const hostArena: ArenaName = 'paged';

/** What a plan takes of both memories: its arenas, one behind the other. */
interface Stretches {
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
  readonly #asideBytes: number;
  #reserved: Stretches = { bytes: 0, hostBytes: 0 };
  #broughtBytes = 0;

  /** @param asideBytes for what comes with programs, all in all */
  constructor(addon: GpuAddon, native: NativeGpu, asideBytes: number) {
    this.#addon = addon;
    this.#native = native;
    this.#asideBytes = asideBytes;
  }

  now(): DeviceMemoryUse {
    const { processBytes, ...now } = this.#addon.memory(this.#native);
    return {
      ...now,
      broughtBytes: this.#broughtBytes,
      lackingBytes: Math.max(0, this.#wantedAside - now.asideBytes),
      ...(processBytes >= 0 ? { processBytes } : {}),
    };
  }

  /** See `Device.holds`. */
  holds(plans: readonly Plan[]): boolean {
    const { bytes, hostBytes } = largest(plans);
    return bytes <= this.#reserved.bytes && hostBytes <= this.#reserved.hostBytes;
  }

  /** See `Device.reserve`. @throws Error that says that there is too little memory */
  reserve(plans: readonly Plan[]): void {
    const needed = largest(plans);
    const isFirst = this.#reserved.bytes === 0;
    this.#reserved = { bytes: 0, hostBytes: 0 };
    this.#addon.reserve(this.#native, needed.bytes, needed.hostBytes);
    // Later it may have been lost to others, and a run that trains goes on without.
    if (!this.#setAside(this.#wantedAside) && isFirst)
      throw new Error(
        `out of memory: ${formatBytes(this.#wantedAside)} for kernels and recordings could not be set aside`,
      );
    this.#reserved = needed;
  }

  /**
   * Loads programs: what is set aside is for what comes with them.
   * @param load may be called a second time
   */
  loading<T>(load: () => T): T {
    const { asideBytes } = this.#addon.memory(this.#native);
    const halfFirst = (): T => {
      try {
        // What is let go of anybody may take.
        this.#setAside(Math.floor(asideBytes / 2));
        return load();
      } catch (error) {
        if (asideBytes === 0 || !isOutOfMemory(error)) throw error;
        this.#setAside(0);
        return load();
      }
    };
    try {
      return this.counting(halfFirst);
    } finally {
      if (this.#reserved.bytes > 0) this.#setAside(this.#wantedAside);
    }
  }

  /** Does what brings kernels and recordings, or takes them away: what others take or give back meanwhile is counted, too. */
  counting<T>(work: () => T): T {
    const before = this.#leftBytes();
    const result = work();
    const brought = this.#broughtBytes + before - this.#leftBytes();
    if (Number.isFinite(brought)) this.#broughtBytes = Math.max(0, brought);
    return result;
  }

  get #wantedAside(): number {
    return Math.max(0, this.#asideBytes - this.#broughtBytes);
  }

  /** All but what comes with programs, and what others hold. A GPU that has failed can't tell. */
  #leftBytes(): number {
    try {
      const { freeBytes, arenaBytes, asideBytes } = this.#addon.memory(this.#native);
      return freeBytes + arenaBytes + asideBytes;
    } catch {
      return Number.NaN;
    }
  }

  /** @returns whether it was there; not on a GPU that has failed, which whoever uses it next is told */
  #setAside(bytes: number): boolean {
    try {
      return this.#addon.setAside(this.#native, bytes);
    } catch {
      return false;
    }
  }
}

function largest(plans: readonly Plan[]): Stretches {
  const all = plans.map(stretches);
  const most = (of: (s: Stretches) => number) => Math.max(0, ...all.map(of));
  return { bytes: most((s) => s.bytes), hostBytes: most((s) => s.hostBytes) };
}

function stretches({ arenaBytes }: Plan): Stretches {
  const sum = (names: readonly ArenaName[]) => names.reduce((all, name) => all + align(arenaBytes[name]), 0);
  return { bytes: sum(arenaNames.filter((name) => name !== hostArena)), hostBytes: sum([hostArena]) };
}
