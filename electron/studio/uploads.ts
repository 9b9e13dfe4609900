import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../base/errors.ts';
import { isSystemError, meaningOf } from '../base/systemErrors.ts';

const dirOf = (home: string): string => path.join(home, 'uploads');

/** What nobody made a dataset of is removed after a day. */
const forgottenAfterMs = 24 * 3600_000;

/** A name that every file system takes, and that stays in its folder. */
const plain = (name: string): string =>
  path
    .basename(name.replaceAll('\\', '/'))
    .replace(/[^\p{L}\p{N}._ -]/gu, '_')
    .replace(/^\.+/, '_')
    .slice(-100) || 'text';

/**
 * Keeps a file that a browser sends until a dataset is made of it.
 * @returns where it is
 * @throws UserError when it does not arrive whole, or can't be written
 */
export async function receiveUpload(home: string, name: string, content: Readable): Promise<string> {
  const dir = path.join(dirOf(home), randomBytes(6).toString('hex'));
  const file = path.join(dir, plain(name));
  try {
    await fs.promises.mkdir(dir, { recursive: true });
    await pipeline(content, fs.createWriteStream(file, { flags: 'wx' }));
    return file;
  } catch (error) {
    await fs.promises.rm(dir, { recursive: true, force: true });
    const why = isSystemError(error) ? meaningOf(error) : 'it did not arrive whole';
    throw new UserError(`${name} could not be uploaded: ${why}; try again, or name the file by its path.`);
  }
}

/** Removes those of some files that were uploaded: a dataset is made of them, or they are not wanted. */
export async function discardUploads(home: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const dir = path.dirname(path.resolve(file));
    if (path.dirname(dir) === path.resolve(dirOf(home))) await fs.promises.rm(dir, { recursive: true, force: true });
  }
}

/** Removes uploads that were left behind. */
export async function forgetUploads(home: string): Promise<void> {
  const dirs = await fs.promises.readdir(dirOf(home)).catch((): string[] => []);
  for (const dir of dirs.map((name) => path.join(dirOf(home), name))) {
    const { mtimeMs } = await fs.promises.stat(dir).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs > forgottenAfterMs) await fs.promises.rm(dir, { recursive: true, force: true });
  }
}
