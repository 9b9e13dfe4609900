import path from 'node:path';
import { type FileSystem, nodeFileSystem } from '../../base/fileSystem.ts';
import { isSystemError } from '../../base/systemErrors.ts';
import { isKept } from './kept.ts';
import { type ListedCheckpoint, listCheckpoints } from './list.ts';
import { partialName } from './names.ts';
import { type OpenOptions, openCheckpoint } from './open.ts';

export interface Retention {
  /** Whole checkpoints to keep, counted from the last; the last one stays in any case. */
  readonly keepLast: number;
  /** Steps to keep besides, e.g. the best. */
  readonly keep: ReadonlySet<number>;
}

/**
 * Removes old checkpoints, but only those older than one that stays and passes every check, its hashes too. Those that
 * their user keeps stay, too. Damaged ones don't count as kept. One that can't be removed (open in another program) is left
 * for the next time. A checkpoint gets a partial's name before it is deleted, so that it never looks whole while it isn't.
 * @returns steps of the checkpoints removed
 */
export async function prune(
  root: string,
  { keepLast, keep }: Retention,
  fs: FileSystem = nodeFileSystem,
): Promise<number[]> {
  const newestFirst = (await listCheckpoints(root, fs)).reverse();
  const stays = new Set<ListedCheckpoint>();
  let counted = 0;
  for (const checkpoint of newestFirst) {
    const wanted = counted < Math.max(keepLast, 1) && (await passes(checkpoint, { quick: true }));
    if (wanted) counted++;
    if (wanted || keep.has(checkpoint.step) || (await isKept(checkpoint.dir, fs))) stays.add(checkpoint);
  }
  if (stays.size === newestFirst.length) return [];
  const proven = await firstWhole([...stays, ...newestFirst.filter((c) => !stays.has(c))]);
  if (proven === null) return [];
  stays.add(proven);

  const removed: number[] = [];
  for (const checkpoint of newestFirst.reverse()) {
    if (stays.has(checkpoint) || checkpoint.step > proven.step) continue;
    if (await removeWhole(root, checkpoint, fs)) removed.push(checkpoint.step);
  }
  return removed;
}

/** Those that stay anyway come first; only where all of them are damaged is another one found, and kept in their stead. */
async function firstWhole(checkpoints: readonly ListedCheckpoint[]): Promise<ListedCheckpoint | null> {
  for (const checkpoint of checkpoints) if (await passes(checkpoint, { quick: false })) return checkpoint;
  return null;
}

async function passes({ dir }: ListedCheckpoint, options: OpenOptions): Promise<boolean> {
  try {
    await openCheckpoint(dir, options);
    return true;
  } catch {
    return false;
  }
}

async function removeWhole(root: string, { step, dir }: ListedCheckpoint, fs: FileSystem): Promise<boolean> {
  const hidden = path.join(root, partialName(step));
  try {
    await fs.rename(dir, hidden);
  } catch (error) {
    if (isSystemError(error)) return false;
    throw error;
  }
  await fs.remove(hidden).catch(() => {}); // hidden already; the next cleaning tries again
  return true;
}
