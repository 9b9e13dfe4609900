import { FailureError, messageOf } from '../../base/errors.ts';
import type { Device, Session } from '../devices/device.ts';
import type { DeviceMemory } from '../devices/kind.ts';
import { isOutOfMemory } from '../devices/outOfMemory.ts';
import type { Plan, PlanSizes } from '../program/planner.ts';
import type { MemoryReport } from './events.ts';

/** What a run holds of a device's memory: as much as its largest phase needs, from its start on. */
export class HeldMemory {
  readonly #device: Device;
  readonly #memory: DeviceMemory;
  #plans: readonly PlanSizes[] = [];

  /** @param memory what plans may take as the device was opened */
  constructor(device: Device, memory: DeviceMemory) {
    this.#device = device;
    this.#memory = memory;
  }

  /** What plans may take now, what is held included: others may have taken some since the start. */
  get now(): DeviceMemory {
    const now = this.#device.memory?.();
    if (!now) return this.#memory;
    const { bytes, hostBytes, shared } = this.#memory;
    const pinned = Math.max(0, ...this.#plans.map((plan) => plan.hostBytes));
    return {
      bytes: Math.min(bytes, Math.max(0, now.freeBytes + now.arenaBytes - now.lackingBytes)),
      ...(hostBytes === undefined ? {} : { hostBytes: process.availableMemory() + pinned }),
      ...(shared ? { shared } : {}),
    };
  }

  /** What is held for a plan that is loaded, and beside it. */
  report(plan: Plan, session: Pick<Session, 'allocatedBytes'>): MemoryReport {
    const held = this.#device.memory?.();
    const allocatedBytes = session.allocatedBytes();
    const hostBytes = held ? plan.hostBytes : 0;
    return {
      plannedBytes: plan.totalBytes + plan.hostBytes,
      allocatedBytes,
      overheadBytes: this.#device.overheadBytes(),
      hostBytes,
      moduleReserveBytes: held?.moduleReserveBytes ?? 0,
      reservedBytes: held ? Math.max(0, held.arenaBytes - (allocatedBytes - hostBytes)) : 0,
      device: this.#device.kind,
      roleBytes: plan.roleBytes,
    };
  }

  /** Whether some plans need no more than what is held. */
  holds(plans: readonly PlanSizes[]): boolean {
    return this.#device.holds?.(plans) ?? true;
  }

  /**
   * Holds what some plans need. Not while programs are loaded, unless it is held already.
   * @throws UserError when another program was quicker: then as much is held as before, where that is left
   */
  take(plans: readonly PlanSizes[]): void {
    try {
      this.#device.reserve?.(plans);
      this.#plans = plans;
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      if (this.#plans.length > 0) this.#device.reserve?.(this.#plans);
      throw new FailureError(
        'memory',
        `Other processes have taken the memory that this run needs (${messageOf(error)}): end them and try again.`,
      );
    }
  }
}
