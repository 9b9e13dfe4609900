import fs from 'node:fs';
import path from 'node:path';
import type { Connection } from './connection.ts';
import { DamagedError } from './errors.ts';

/** The last copy of a database that was taken when it was closed. */
export const backupOf = (file: string): string => `${file}.backup`;

/** Bytes that are copied in a millisecond, roughly. */
const bytesPerMs = 1e5;
/** Of the time between two backups at most one part in so many is spent on them. */
const share = 600;

/** Large databases are copied less often. */
const isDue = (bytes: number, ageMs: number): boolean => ageMs > (bytes / bytesPerMs) * share;

/**
 * Takes a backup of a database that was changed, whole or not at all, unless the last one is young for its size. One for which there
 * is no room is not taken.
 * @throws DamagedError when the database turns out to be damaged: the last backup stays
 */
export function backUp(connection: Connection): void {
  const { file } = connection;
  if (connection.changes() === 0 || connection.prepare('SELECT 1 FROM runs LIMIT 1').get() === undefined) return;
  const target = backupOf(file);
  const partial = `${target}.${process.pid}.partial`;
  try {
    const bytes = fs.statSync(file).size + (fs.statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0);
    const before = fs.statSync(target, { throwIfNoEntry: false })?.mtimeMs;
    if (before !== undefined && !isDue(bytes, Math.abs(Date.now() - before))) return;
    const { bavail, bsize, blocks } = fs.statfsSync(path.dirname(file));
    if (blocks > 0 && bavail * bsize < 2 * bytes) return;
    fs.rmSync(partial, { force: true });
    connection.copyTo(partial);
    const handle = fs.openSync(partial, 'r+');
    fs.fsyncSync(handle);
    fs.closeSync(handle);
    fs.renameSync(partial, target);
  } catch (error) {
    fs.rmSync(partial, { force: true });
    if (error instanceof DamagedError) throw error;
    // The next time, then: no command fails for want of a backup.
  }
}
