import type { RunConfig, RunDevice } from '../config.ts';
import { UserError } from '../../errors.ts';
import { lookAtGpu } from './cuda/device.ts';
import { findGpus, type FoundGpus, seenByDriver, unusable } from './cuda/found.ts';
import { requireTfjs, tfjsIsThere } from './tfjs/backend.ts';

type DeviceConfig = RunConfig['device'];

/** What trains: a kind of device, and of GPUs which one, as CUDA counts them. */
export interface DeviceChoice {
  readonly kind: RunDevice;
  /** Absent: the first. */
  readonly gpu?: number | undefined;
}

/** What a run trains on where nobody says: of the GPUs that can be used the one with most memory free, else the processor. */
export function usualDevice(): DeviceChoice {
  const free = ({ gpu }: FoundGpus['gpus'][number]) => gpu?.freeBytes ?? -1;
  const usable = findGpus().gpus.filter(({ gpu }) => gpu !== undefined);
  if (usable.length === 0) return { kind: 'cpu' };
  const { ordinal } = usable.reduce((most, found) => (free(found) > free(most) ? found : most));
  return { kind: 'cuda', ...(ordinal > 0 ? { gpu: ordinal } : {}) };
}

export const isSameDevice = (a: DeviceChoice, b: DeviceChoice): boolean =>
  a.kind === b.kind && (a.kind !== 'cuda' || (a.gpu ?? 0) === (b.gpu ?? 0));

/**
 * Completes what somebody says of a device: who names a GPU means cuda, and who names nothing takes the usual one.
 * @param given settings of `device` in a config that leaves things out
 */
export function completeDevice(given: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  if (given.kind !== undefined) return { ...given };
  return { ...(given.gpu === undefined ? usualDevice() : { kind: 'cuda' }), ...given };
}

/** Of each GPU that is there and can't be used, why. */
export async function unusableGpus(): Promise<string[]> {
  const { gpus, problem } = findGpus();
  if (gpus.length > 0) return gpus.flatMap((g) => g.problem ?? []);
  const seen = await seenByDriver();
  return seen === '' ? [] : [`${problem} (nvidia-smi sees ${seen})`];
}

/** @throws UserError when a device is asked for that is not there or can't be used */
export function requireDevice({ kind, gpu = 0 }: DeviceChoice): void {
  if (kind === 'tfjs') requireTfjs();
  if (kind !== 'cuda') return;
  if (isThere({ kind, gpu })) return;
  const { length } = findGpus().gpus;
  if (length > 0 && gpu >= length) {
    throw new UserError(
      `There is no GPU ${gpu} here: --gpu-index takes ${length === 1 ? '0' : `0 to ${length - 1}`} on this machine. \`trainyard doctor\` lists its GPUs; --device cpu takes the processor.`,
    );
  }
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
