import path from 'node:path';
import { type FileSystem, nodeFileSystem } from '../../base/fileSystem.ts';
import { listCheckpoints } from './list.ts';

/** Checkpoints of a way that was given up are no checkpoints to resume from, and may yet be wanted: they get another name. */
const prefix = 'aside-';

/** Sets the checkpoints after a step aside. @returns their steps */
export async function stash(root: string, step: number, fs: FileSystem = nodeFileSystem): Promise<number[]> {
  const later = (await listCheckpoints(root, fs)).filter((c) => c.step > step);
  for (const { dir } of later) {
    const target = path.join(root, `${prefix}${path.basename(dir)}`);
    await fs.remove(target);
    await fs.rename(dir, target);
  }
  return later.map((c) => c.step);
}

/** Takes back what was set aside, where nothing has its name again. */
export async function unstash(root: string, fs: FileSystem = nodeFileSystem): Promise<void> {
  const names = new Set(await fs.list(root));
  for (const name of names) {
    const original = name.slice(prefix.length);
    if (name.startsWith(prefix) && !names.has(original))
      await fs.rename(path.join(root, name), path.join(root, original));
  }
}

/** Removes what was set aside. */
export async function removeStashed(root: string, fs: FileSystem = nodeFileSystem): Promise<void> {
  for (const name of await fs.list(root)) if (name.startsWith(prefix)) await fs.remove(path.join(root, name));
}
