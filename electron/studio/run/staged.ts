import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { UserError } from '../../base/errors.ts';
import { runDir } from '../home.ts';

const prefix = '.new-';
/** Files of a process that was killed are removed after a day. */
const forgottenAfterMs = 24 * 3600_000;

/** Files of a run that is not stored yet: they are whole before it is, so that no run is ever listed that never was. */
export interface StagedFiles {
  /** Takes the place of the run's folder. */
  readonly dir: string;
  /** Makes the folder that of a run. To call last where the run is stored: what fails later is undone by `remove`. */
  publish(id: string): void;
  remove(): void;
  /** The same of large files where windows are served: nobody else waits for the disk. */
  discard(): Promise<void>;
}

/** @throws UserError when no folder can be made in the home */
export function stageFiles(home: string): StagedFiles {
  const root = path.dirname(runDir(home, 'any'));
  const dir = path.join(root, `${prefix}${randomBytes(6).toString('hex')}`);
  let place = dir;
  try {
    fs.mkdirSync(root, { recursive: true });
    forget(root);
    fs.mkdirSync(dir);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`Files of the new run can't be written to ${root}: ${meaningOf(error)}.`);
  }
  return {
    dir,
    publish(id) {
      fs.renameSync(dir, runDir(home, id));
      place = runDir(home, id);
    },
    remove: () => fs.rmSync(place, { recursive: true, force: true }),
    discard: () => fs.promises.rm(place, { recursive: true, force: true }),
  };
}

function forget(root: string): void {
  for (const entry of fs.readdirSync(root).filter((name) => name.startsWith(prefix))) {
    const left = path.join(root, entry);
    const { mtimeMs = Infinity } = fs.statSync(left, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > forgottenAfterMs) fs.rmSync(left, { recursive: true, force: true });
  }
}
