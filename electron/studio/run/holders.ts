import fs from 'node:fs';
import type { RunConfig } from '../../engine/run/config.ts';
import { type DeviceChoice, isSameDevice } from '../../engine/devices/choose.ts';
import { kindOf } from '../../engine/devices/registry.ts';
import { canWrite, dbPath } from '../home.ts';
import { openStore, openToRead, type Store } from '../store/index.ts';
import { markInterrupted } from './unheard.ts';

/** Names of the runs that train on a GPU, in whatever process. @param except a run that is to have it itself */
export function holdersOf(store: Store, device: DeviceChoice, except?: string): string[] {
  if (!kindOf(device.kind).gpus) return [];
  return store.runs
    .list({ state: ['training', 'preparing'] })
    .filter((run) => run.id !== except && isSameDevice((run.config as RunConfig).device, device))
    .map((run) => run.name);
}

/** The same for who has no studio open. @param home where nothing is made, if there is none yet */
export function holdersAt(home: string, device: DeviceChoice): string[] {
  if (!kindOf(device.kind).gpus || !fs.existsSync(dbPath(home))) return [];
  const store = canWrite(home) ? openStore(home) : openToRead(home, () => {});
  try {
    markInterrupted(store);
    return holdersOf(store, device);
  } finally {
    store.close();
  }
}
