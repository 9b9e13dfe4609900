import type { RunConfig } from '../../engine/run/config.ts';
import { requireDevice } from '../../engine/devices/choose.ts';
import type { DeviceMemory } from '../../engine/devices/kind.ts';
import { kindOf } from '../../engine/devices/registry.ts';
import { type Admission, requireTrainableHere } from '../../engine/run/admission.ts';
import { driverMemoryOf } from '../driverMemory.ts';
import type { Planner } from '../planning/planner.ts';

/**
 * Checks that a run's device is here and can train what is left of the run, in the memory that is free now.
 * @param heldBy names of the runs that train on it, as far as they are known
 * @param step optimizer steps that are taken already
 * @throws UserError that says what is missing, and what would make it fit
 */
export function requireTrainable(home: string, config: RunConfig, heldBy: readonly string[], step = 0): Admission {
  return requireTrainableHere(config, step, memoryOf(home, config.device, heldBy));
}

/** The same, planned where the studio's planner works. */
export async function requireTrainableApart(
  planner: Planner,
  home: string,
  config: RunConfig,
  heldBy: readonly string[],
  step = 0,
): Promise<Admission> {
  requireDevice(config.device);
  return planner.admit(config, step, memoryOf(home, config.device, heldBy));
}

function memoryOf(home: string, device: RunConfig['device'], heldBy: readonly string[]): DeviceMemory {
  const driverBytes = (name: string): number => {
    const { bytes, moduleReserveBytes } = driverMemoryOf(home, name);
    return bytes + moduleReserveBytes;
  };
  return kindOf(device.kind).memory(device, { driverBytes, heldBy });
}
