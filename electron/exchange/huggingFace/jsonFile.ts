import fs from 'node:fs/promises';
import { UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';

/**
 * The text of a file of a model's folder, without a byte order mark; undefined where there is none.
 * @throws UserError when it can't be read, or is larger than such a file ever is
 */
export async function readText(file: string, maxBytes: number): Promise<string | undefined> {
  try {
    const { size } = await fs.stat(file);
    if (size > maxBytes) throw new UserError(`${file} has ${size} bytes: too large for a file of its kind.`);
    return (await fs.readFile(file, 'utf8')).replace(/^\ufeff/, '');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'ENOENT') return undefined;
    throw new UserError(`${file} can't be read: ${meaningOf(error)}.`);
  }
}

/** What a JSON file of a model's folder holds; undefined where there is none. @throws UserError when it is no JSON */
export async function readJson(file: string, maxBytes: number): Promise<unknown> {
  const text = await readText(file, maxBytes);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const why = text.startsWith('version https://git-lfs')
      ? 'a Git LFS pointer: fetch it with git lfs pull'
      : 'not valid JSON';
    throw new UserError(`${file} is ${why}.`);
  }
}
