import path from 'node:path';
import { UserError } from '../../base/errors.ts';
import { type FileSystem, nodeFileSystem } from '../../base/fileSystem.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { checkpointName, parseName } from './names.ts';

export interface ListedCheckpoint {
  readonly step: number;
  readonly dir: string;
}

/** The checkpoints of a run from the first step to the last; unfinished ones are left out. None is opened. */
export async function listCheckpoints(root: string, fs: FileSystem = nodeFileSystem): Promise<ListedCheckpoint[]> {
  const found = new Map<number, ListedCheckpoint>();
  for (const name of await names(root, fs)) {
    const parsed = parseName(name);
    if (parsed === null || parsed.kind === 'partial') continue;
    if (parsed.kind === 'whole' || !found.has(parsed.step)) {
      found.set(parsed.step, { step: parsed.step, dir: path.join(root, name) });
    }
  }
  return [...found.values()].sort((a, b) => a.step - b.step);
}

/**
 * Removes what a killed process left unfinished, and puts a checkpoint that was about to be replaced back in its place
 * where the new one did not arrive. Only while no other process writes to this folder.
 * @returns names of the folders removed
 */
export async function cleanPartials(root: string, fs: FileSystem = nodeFileSystem): Promise<string[]> {
  const present = new Set(await names(root, fs));
  const removed: string[] = [];
  for (const name of present) {
    const parsed = parseName(name);
    if (parsed === null || parsed.kind === 'whole') continue;
    const final = checkpointName(parsed.step);
    if (parsed.kind === 'replaced' && !present.has(final)) {
      await fs.rename(path.join(root, name), path.join(root, final));
      present.add(final);
    } else {
      await fs.remove(path.join(root, name));
      removed.push(name);
    }
  }
  return removed;
}

async function names(root: string, fs: FileSystem): Promise<string[]> {
  try {
    return (await fs.list(root)).sort();
  } catch (error) {
    if (isSystemError(error)) throw new UserError(`the checkpoints in ${root} can't be listed: ${meaningOf(error)}`);
    throw error;
  }
}

/** Bytes that may still be written to the disk of a folder (or of its nearest existing parent); null if unknown. */
export const freeBytes = (dir: string): Promise<number | null> => nodeFileSystem.freeBytes(dir);
