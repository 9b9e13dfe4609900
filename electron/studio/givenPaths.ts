import fs from 'node:fs';
import path from 'node:path';
import { isSystemError } from '../base/systemErrors.ts';
import { UserError } from '../base/errors.ts';

/** A disk that sleeps takes seconds; a network drive that is gone takes for ever. */
const patienceMs = 10_000;
/** Ten times the validation set of HellaSwag. */
const maxItemsBytes = 128 * 2 ** 20;

/**
 * Asks the file system something, without waiting for ever for a drive that doesn't answer.
 * @returns undefined where it refuses: whoever reads the file says why, in words of its own
 */
async function asked<T>(file: string, work: Promise<T>, patience: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const seconds = Math.round(patience / 1000);
    const text = `${file} can't be looked at: its drive has not answered for ${seconds} s; see that it is connected.`;
    timer = setTimeout(() => reject(new UserError(text)), patience);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

const kindOf = (found: fs.Stats): string =>
  found.isFIFO() ? 'a pipe' : found.isSocket() ? 'a socket' : found.isDirectory() ? 'a folder' : 'a device';

/**
 * Checks a file that a user has named before it is read where windows are served: a pipe or a device might never end.
 * @throws UserError when it is no plain file, is empty or too large, or its drive doesn't answer
 */
export async function requireFile(
  file: string,
  maxBytes: number = maxItemsBytes,
  patience = patienceMs,
): Promise<void> {
  const found = await asked(file, fs.promises.stat(file), patience);
  if (!found) return;
  if (!found.isFile()) throw new UserError(`${file} is ${kindOf(found)}: name a file.`);
  // Files of /proc say that they are empty, and some of them never end.
  if (found.size === 0) throw new UserError(`${file} is empty: name another file.`);
  if (found.size > maxBytes) throw new UserError(`${file} is too large for what it is to hold: name another file.`);
}

/**
 * Checks a folder that a user has named, and that what lies in it are files and folders.
 * @throws UserError when there is none, something else lies in it, or its drive doesn't answer
 */
export async function requireFolder(dir: string, patience = patienceMs): Promise<void> {
  const found = await asked(dir, fs.promises.stat(dir), patience);
  if (!found) return;
  if (!found.isDirectory()) throw new UserError(`${dir} is no folder: name the folder that the files are in.`);
  for (const name of (await asked(dir, fs.promises.readdir(dir), patience)) ?? []) {
    const file = path.join(dir, name);
    // A link may lead nowhere, which is told where the file is needed.
    const entry = await asked(
      file,
      fs.promises.stat(file).catch(() => undefined),
      patience,
    );
    if (entry && !entry.isFile() && !entry.isDirectory())
      throw new UserError(`${file} is ${kindOf(entry)}, and no file: remove it, or name another folder.`);
  }
}

/**
 * Checks that something can be written to a path that a user has named: that the drive of the nearest folder answers.
 * @throws UserError when it doesn't
 */
export async function requireAnswer(target: string, patience = patienceMs): Promise<void> {
  for (let at = path.resolve(target); ; at = path.dirname(at)) {
    const found = await asked(
      at,
      fs.promises.stat(at).catch(() => undefined),
      patience,
    );
    if (found || at === path.dirname(at)) return;
  }
}
