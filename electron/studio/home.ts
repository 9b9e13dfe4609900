import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeFolders } from '../base/folders.ts';
import { checkpointName } from '../engine/checkpoint/names.ts';
import { UserError } from '../base/errors.ts';
import { isSystemError, whyOf } from '../base/systemErrors.ts';

/** What decides where the home is; tests give their own. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly homedir: string;
}

const here = (): Surroundings => ({ env: process.env, platform: process.platform, homedir: os.homedir() });

/** Where the home is, by flag, TRAINYARD_HOME or the platform's custom; nothing is created. */
export function locateHome(flag?: string, { env, platform, homedir }: Surroundings = here()): string {
  const { join, resolve, isAbsolute } = platform === 'win32' ? path.win32 : path.posix;
  const given = flag || env.TRAINYARD_HOME;
  if (given) return resolve(given);
  if (platform === 'win32') return join(env.APPDATA || join(homedir, 'AppData', 'Roaming'), 'Trainyard');
  if (platform === 'darwin') return join(homedir, 'Library', 'Application Support', 'Trainyard');
  // The XDG base directory specification has relative paths ignored.
  const xdg = env.XDG_DATA_HOME;
  return join(xdg && isAbsolute(xdg) ? xdg : join(homedir, '.local', 'share'), 'trainyard');
}

/**
 * The folder that keeps runs, datasets and the database: `flag`, else TRAINYARD_HOME, else the platform's
 * application-data folder. It exists when this returns.
 * @param use what is to be done there: reading needs less
 * @throws UserError when it can't be created, or not be written or read
 */
export function resolveHome(flag?: string, use: 'write' | 'read' = 'write'): string {
  const home = locateHome(flag);
  const remedy = 'choose another folder with --home or TRAINYARD_HOME';
  try {
    makeFolders(home);
  } catch (error) {
    const taken = isSystemError(error) && error.code === 'EEXIST';
    throw new UserError(
      `The data folder ${home} can't be created: ${taken ? 'a file has that name' : whyOf(error)}; ${remedy}.`,
    );
  }
  const { R_OK, W_OK, X_OK } = fs.constants;
  try {
    fs.accessSync(home, use === 'write' ? R_OK | W_OK | X_OK : R_OK | X_OK);
  } catch (error) {
    throw new UserError(
      `The data folder ${home} can't be ${use === 'write' ? 'written' : 'read'}: ${whyOf(error)}; ${remedy}.`,
    );
  }
  return home;
}

/** Whether the database of a home, and what SQLite keeps beside it, can be written. */
export function canWrite(home: string): boolean {
  const { R_OK, W_OK, X_OK } = fs.constants;
  const isAllowed = (target: string, mode: number): boolean => {
    try {
      fs.accessSync(target, mode);
      return true;
    } catch {
      return false;
    }
  };
  const files = ['', '-wal', '-shm'].map((suffix) => dbPath(home) + suffix).filter((file) => fs.existsSync(file));
  return isAllowed(home, R_OK | W_OK | X_OK) && files.every((file) => isAllowed(file, R_OK | W_OK));
}

export const dbPath = (home: string): string => path.join(home, 'trainyard.db');
/** What the drivers of this machine's GPUs take for a process that trains. */
export const driverMemoryPath = (home: string): string => path.join(home, 'gpu-drivers.json');
/** How long steps take on this machine's devices, as they were timed. */
export const stepTimesPath = (home: string): string => path.join(home, 'step-times.json');
export const datasetsDir = (home: string): string => path.join(home, 'datasets');
export const runDir = (home: string, id: string): string => path.join(home, 'runs', id);
export const checkpointDir = (home: string, id: string, step: number): string =>
  path.join(runDir(home, id), 'checkpoints', checkpointName(step));
