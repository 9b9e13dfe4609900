/** What jobs use one at a time. */
import { type DeviceChoice, isSameDevice, numbered } from '../../engine/devices/choose.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import type { Store } from '../store/index.ts';

const named = (device: DeviceChoice): string => {
  const { kind, gpu } = numbered(device);
  return gpu === undefined ? kind : `${kind} ${gpu}`;
};

/** Of evaluations: they go beside a run that trains, and one after another. */
export const computeSlot = (device: DeviceChoice): string => `evaluate on ${named(device)}`;

export const trainSlot = (device: DeviceChoice): string => `train on ${named(device)}`;

/** The names of the runs that train on a device, in whatever process. */
export const trainingOn = (store: Store, device: DeviceChoice): string[] =>
  store.runs
    .list({ state: ['training', 'preparing'] })
    .filter((run) => isSameDevice((run.config as RunConfig).device, device))
    .map((run) => run.name);

/** The slots in which runs train now, in whatever process. */
export const busySlots = (store: Store): Set<string> =>
  new Set(
    store.runs.list({ state: ['training', 'preparing'] }).map((run) => trainSlot((run.config as RunConfig).device)),
  );
