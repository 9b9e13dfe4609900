import fs from 'node:fs';
import { UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';

/**
 * Has the folder of a run's checkpoints. Said before hours of training, not at the first checkpoint.
 * @throws UserError when it can't be made or written
 */
export function requireWritable(root: string): void {
  try {
    fs.mkdirSync(root, { recursive: true });
    fs.accessSync(root, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const taken = error.code === 'EEXIST' || error.code === 'ENOTDIR';
    throw new UserError(
      `Checkpoints can't be written to ${root}: ${taken ? 'a file is where the folder should be' : meaningOf(error)}; allow writing there, or choose another data folder with --home.`,
    );
  }
}
