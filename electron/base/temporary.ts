import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A folder of this process alone, which is gone when a signal ends the process. */
export interface TemporaryFolder {
  readonly dir: string;
  remove(): void;
}

/** @param prefix how its name begins */
export function temporaryFolder(prefix: string): TemporaryFolder {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), prefix));
  const remove = (): void => fs.rmSync(dir, { recursive: true, force: true });
  const end = (signal: (typeof signals)[number]): void => {
    remove();
    process.exit(128 + os.constants.signals[signal]);
  };
  for (const signal of signals) process.once(signal, end);
  return {
    dir,
    remove() {
      for (const signal of signals) process.off(signal, end);
      remove();
    },
  };
}
