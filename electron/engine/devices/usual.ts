import type { RunConfig, RunDevice } from '../config.ts';
import { lookAtGpu } from './cuda/device.ts';
import { findGpus, seenByDriver, unusable } from './cuda/found.ts';
import { requireTfjs, tfjsIsThere } from './tfjs/backend.ts';

type DeviceConfig = RunConfig['device'];

/** What trains: a kind of device, and of GPUs which one, as CUDA counts them. */
export interface DeviceChoice {
  readonly kind: RunDevice;
  /** Absent: the first. */
  readonly gpu?: number | undefined;
}

/** What a run trains on where nobody says: the first GPU that can be used, else the processor. */
export function usualDevice(): { kind: RunDevice; gpu?: number } {
  const first = findGpus().gpus.find(({ gpu }) => gpu !== undefined);
  if (!first) return { kind: 'cpu' };
  return { kind: 'cuda', ...(first.ordinal > 0 ? { gpu: first.ordinal } : {}) };
}

/**
 * Completes what somebody says of a device: who names a GPU means cuda, and who names nothing takes the usual one.
 * @param given settings of `device` in a config that leaves things out
 */
export function completeDevice(given: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  if (given.kind !== undefined) return { ...given };
  return { ...(given.gpu === undefined ? usualDevice() : { kind: 'cuda' }), ...given };
}

/** Why no GPU is taken though there is one; undefined where there is none, or one can be used. */
export function unusableGpus(): string | undefined {
  const { gpus, problem } = findGpus();
  if (gpus.some(({ gpu }) => gpu !== undefined)) return undefined;
  if (gpus.length > 0) return gpus.map((g) => g.problem).join('; ');
  const seen = seenByDriver();
  return seen === '' ? undefined : `${problem} (nvidia-smi sees ${seen})`;
}

/** @throws UserError when a device is asked for that is not there or can't be used */
export function requireDevice({ kind, gpu = 0 }: DeviceChoice): void {
  if (kind === 'tfjs') requireTfjs();
  if (kind !== 'cuda') return;
  if (isThere({ kind, gpu })) return;
  try {
    lookAtGpu(gpu);
  } catch (error) {
    throw unusable(error);
  }
}

function isThere({ kind, gpu: wanted = 0 }: DeviceChoice): boolean {
  if (kind === 'tfjs') return tfjsIsThere();
  return kind === 'cpu' || findGpus().gpus.some(({ ordinal, gpu }) => ordinal === wanted && gpu !== undefined);
}

/** A run's device where it goes on elsewhere: what is set for one kind is kept for when it comes back. */
export function onDevice(own: DeviceConfig, { kind, gpu }: DeviceChoice): DeviceConfig {
  const { gpu: _, ...rest } = own;
  return { ...rest, kind, ...(kind === 'cuda' && gpu !== undefined ? { gpu } : {}) };
}

/**
 * What works with the weights of a run: what is asked for, else the run's own device where it can be used here, else the
 * usual one.
 * @throws UserError when what is asked for can't be used
 */
export function deviceForJob(own: DeviceConfig, asked?: DeviceChoice): DeviceConfig {
  if (asked) {
    requireDevice(asked);
    return onDevice(own, asked);
  }
  return isThere(own) ? own : onDevice(own, usualDevice());
}
