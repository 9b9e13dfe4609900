import { messageOf, UserError } from './errors.ts';

/** An error of the operating system, as node:fs throws it. */
export interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
}

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error;
}

const meanings: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'no permission',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  EIO: 'disk input/output error',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EBUSY: 'it is in use by another program',
  EMFILE: 'too many open files',
  EFBIG: 'the file is too large for this file system',
  EEXIST: 'a file with that name exists',
  ENOTEMPTY: 'the folder is not empty',
  ELOOP: 'symbolic links form a loop',
  ENAMETOOLONG: 'the name is too long',
  ESTALE: 'the network drive no longer has it',
  ETIMEDOUT: 'the drive does not answer',
};

/** What an error of the operating system means, with its code: `the disk is full (ENOSPC)`. */
export function meaningOf({ code, message }: SystemError): string {
  const meaning = meanings[code];
  return meaning === undefined ? message : `${meaning} (${code})`;
}

/** Why anything failed, in words for people. */
export const whyOf = (error: unknown): string => (isSystemError(error) ? meaningOf(error) : messageOf(error));

/** Runs work on a file that is read; what the operating system refuses becomes one line for the user. */
export async function reading<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isSystemError(error)) throw new UserError(`${file} can't be read: ${meaningOf(error)}`);
    throw error;
  }
}
