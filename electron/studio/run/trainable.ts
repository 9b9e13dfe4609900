import type { RunConfig } from '../../engine/config.ts';
import { lookAtGpu } from '../../engine/devices/cuda/device.ts';
import { requireDevice } from '../../engine/devices/usual.ts';
import { requireTrainableHere } from '../../engine/preflight.ts';
import { driverMemoryOf } from '../driverMemory.ts';

/**
 * Checks that a run's device is here and can train what is left of the run, in the memory that is free now.
 * @param step optimizer steps that are taken already
 * @throws UserError that says what is missing, and what would make it fit
 */
export function requireTrainable(home: string, config: RunConfig, step = 0): void {
  const { kind, gpu = 0 } = config.device;
  requireDevice(config.device);
  const driver = kind === 'cuda' ? driverMemoryOf(home, lookAtGpu(gpu).name) : { bytes: 0, spareBytes: 0 };
  requireTrainableHere(config, step, driver.bytes + driver.spareBytes);
}
