import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { openStore, type Store, type StoreOptions } from '../../../electron/studio/store/store.ts';
import { tempDir } from '../../temp.ts';

/** A store that is closed when the running test ends, in a home of its own unless one is given. */
export function testStore(home: string = tempDir(), options?: StoreOptions): Store {
  const store = openStore(home, options);
  onTestFinished(() => store.close());
  return store;
}

export const newRun = (store: Store, name = 'test') => store.runs.create({ name, config: { seed: 1 }, device: 'cpu' });

/** Works on the file behind the store's back. */
export function withDatabase<T>(file: string, work: (db: Database.Database) => T): T {
  const db = new Database(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/** What databases before version 13 have no columns for. */
export const systemMetrics = [
  ...(['cpuUtilization', 'cpuTemperature', 'cpuPower', 'machineMemoryBytes'] as const),
  ...(['gpuUtilization', 'gpuTemperature', 'gpuPower', 'gpuMemoryBytes'] as const),
];
