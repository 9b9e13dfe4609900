import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { messageOf, UserError } from '../errors.ts';

function defaultHome(): string {
  const home = os.homedir();
  switch (process.platform) {
    case 'win32':
      return path.join(process.env.APPDATA ?? path.join(home, 'AppData', 'Roaming'), 'Trainyard');
    case 'darwin':
      return path.join(home, 'Library', 'Application Support', 'Trainyard');
    default:
      return path.join(process.env.XDG_DATA_HOME ?? path.join(home, '.local', 'share'), 'trainyard');
  }
}

/**
 * Where runs and datasets are kept: the flag, else TRAINYARD_HOME, else the platform's application-data folder.
 * Creates it. @throws UserError when it can't be made or written to
 */
export function resolveHome(flag?: string): string {
  const home = path.resolve(flag ?? process.env.TRAINYARD_HOME ?? defaultHome());
  try {
    fs.mkdirSync(home, { recursive: true });
    fs.accessSync(home, fs.constants.W_OK | fs.constants.R_OK);
  } catch (error) {
    throw new UserError(`The folder ${home} can't be used (${messageOf(error)}): choose another with --home.`);
  }
  return home;
}

export const dbPath = (home: string): string => path.join(home, 'trainyard.db');
export const datasetsDir = (home: string): string => path.join(home, 'datasets');
export const runDir = (home: string, runId: string): string => path.join(home, 'runs', runId);
