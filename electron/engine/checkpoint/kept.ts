import fs from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../base/errors.ts';
import { type FileSystem, nodeFileSystem } from '../../base/fileSystem.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';

/** An empty file beside a checkpoint's others: whichever process prunes sees it. */
export const keptMark = 'kept';

/** Whether its user wants a checkpoint kept, whatever the rule for old ones says. */
export const isKept = async (dir: string, files: FileSystem = nodeFileSystem): Promise<boolean> =>
  (await files.list(dir).catch((): string[] => [])).includes(keptMark);

/** @throws UserError when the folder can't be written */
export async function setKept(dir: string, kept: boolean): Promise<void> {
  const file = path.join(dir, keptMark);
  try {
    if (kept) await fs.writeFile(file, '');
    else await fs.rm(file, { force: true });
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`The checkpoint ${dir} can't be ${kept ? 'kept' : 'released'}: ${meaningOf(error)}.`);
  }
}
