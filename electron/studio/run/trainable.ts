import type { RunConfig } from '../../engine/config.ts';
import { processorMemory } from '../../engine/devices/cpu/memory.ts';
import { lookAtGpu } from '../../engine/devices/cuda/device.ts';
import { type DeviceMemory, gpuMemory } from '../../engine/devices/open.ts';
import { requireDevice } from '../../engine/devices/usual.ts';
import { requireTrainableHere } from '../../engine/preflight.ts';
import { driverMemoryOf } from '../driverMemory.ts';
import type { Planner } from '../planning/planner.ts';

/**
 * Checks that a run's device is here and can train what is left of the run, in the memory that is free now.
 * @param heldBy names of the runs that train on it, as far as they are known
 * @param step optimizer steps that are taken already
 * @throws UserError that says what is missing, and what would make it fit
 */
export function requireTrainable(home: string, config: RunConfig, heldBy: readonly string[], step = 0): void {
  requireDevice(config.device);
  requireTrainableHere(config, step, memoryOf(home, config.device, heldBy));
}

/** The same, planned where the studio's planner works. */
export async function requireTrainableApart(
  planner: Planner,
  home: string,
  config: RunConfig,
  heldBy: readonly string[],
  step = 0,
): Promise<void> {
  requireDevice(config.device);
  await planner.admit(config, step, memoryOf(home, config.device, heldBy));
}

function memoryOf(home: string, { kind, gpu = 0 }: RunConfig['device'], heldBy: readonly string[]): DeviceMemory {
  if (kind !== 'cuda') return processorMemory();
  const seen = lookAtGpu(gpu);
  const { bytes, spareBytes } = driverMemoryOf(home, seen.name);
  return gpuMemory(gpu, seen, bytes + spareBytes, heldBy);
}
