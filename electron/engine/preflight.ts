import type { RunConfig } from './config.ts';
import { cpuSupports } from './devices/cpu/device.ts';
import { cudaSupports } from './devices/cuda/device.ts';
import type { Device } from './devices/device.ts';
import { nullDevice } from './devices/null.ts';
import type { DeviceMemory } from './devices/open.ts';
import { requireDevice } from './devices/usual.ts';
import { finish, type Steps } from './fit/steps.ts';
import type { Plan } from './program/planner.ts';
import { trainableSteps } from './trainer/requirements.ts';

/** Answers as a kind of device does, and runs nothing. */
const answering = (kind: RunConfig['device']['kind']): Device => ({
  ...nullDevice,
  kind,
  ...(kind === 'cuda' ? { supports: cudaSupports } : kind === 'cpu' ? { supports: cpuSupports } : {}),
});

/**
 * Refuses what a device can't run, whatever memory it has, before anything is made.
 * @param step optimizer steps that are taken already
 * @throws UserError that names the phase
 */
export function requireRunnable(config: RunConfig, step = 0): void {
  requireDevice(config.device);
  finish(runnableSteps(config, step));
}

/** The same of a device that is known to be here. */
export const runnableSteps = (config: RunConfig, step: number): Steps<Plan[]> =>
  admissionSteps(config, step, { bytes: Number.POSITIVE_INFINITY });

/** Whether a device that is known to be here can train a config in a memory. */
export const admissionSteps = (config: RunConfig, step: number, memory: DeviceMemory): Steps<Plan[]> =>
  trainableSteps(config, step, answering(config.device.kind), memory);

/**
 * Refuses what a device of this machine can't train, its memory being as it is now, without opening it: before anything is
 * made. A run's start looks again, and knows to the byte.
 * @param step optimizer steps that are taken already
 * @param memory of the device, as it is now
 * @throws UserError that names the phase, and what would make it fit
 */
export function requireTrainableHere(config: RunConfig, step: number, memory: DeviceMemory): void {
  requireDevice(config.device);
  finish(admissionSteps(config, step, memory));
}
