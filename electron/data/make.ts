import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { messageOf, UserError } from '../errors.ts';
import { type Manifest, openDataset } from './shards/index.ts';
import { manifestName } from './shards/manifest.ts';

/**
 * Makes a dataset that is whole or absent: written beside its place, synced, then renamed. One of this name that is whole
 * already is taken as it is.
 * @param write fills a folder, and describes what is in it
 * @throws UserError when the disk does not take it, and what `write` throws
 */
export async function makeDataset(
  home: string,
  name: string,
  write: (dir: string) => Promise<Manifest>,
): Promise<Manifest> {
  const dir = path.join(home, 'datasets', name);
  const there = wholeDataset(dir);
  if (there) return there;

  const partial = path.join(home, 'datasets', `.${name}.${process.pid}-${randomBytes(4).toString('hex')}.partial`);
  try {
    removePartials(path.join(home, 'datasets'), name);
    fs.mkdirSync(partial, { recursive: true });
    const manifest = await write(partial);
    // Another process may have made the same one in the meantime.
    const quicker = wholeDataset(dir);
    if (quicker) {
      fs.rmSync(partial, { recursive: true, force: true });
      return quicker;
    }
    fs.rmSync(dir, { recursive: true, force: true });
    fs.renameSync(partial, dir);
    return manifest;
  } catch (error) {
    fs.rmSync(partial, { recursive: true, force: true });
    if (error instanceof UserError || !(error instanceof Error && 'code' in error)) throw error;
    throw new UserError(
      `The dataset can't be written to ${dir}: ${messageOf(error)}. Nothing is left of it; make room and try again.`,
    );
  }
}

/** Writes a dataset's description, and syncs it: the last file of a dataset. */
export function writeManifest(dir: string, manifest: Manifest): void {
  const fd = fs.openSync(path.join(dir, manifestName), 'wx');
  fs.writeSync(fd, `${JSON.stringify(manifest, null, 2)}\n`);
  fs.fsyncSync(fd);
  fs.closeSync(fd);
}

/** The dataset in a folder, if all its files are there; a damaged one is made again. */
export function wholeDataset(dir: string): Manifest | undefined {
  if (!fs.existsSync(path.join(dir, manifestName))) return undefined;
  try {
    const dataset = openDataset(dir);
    dataset.close();
    return dataset.manifest;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Leftovers of processes that are gone, of this dataset only: others may be in the making. */
function removePartials(root: string, name: string): void {
  if (!fs.existsSync(root)) return;
  for (const entry of fs.readdirSync(root)) {
    const maker = Number(/\.(\d+)-[0-9a-f]+\.partial$/.exec(entry)?.[1]);
    if (entry.startsWith(`.${name}.`) && entry.endsWith('.partial') && !isRunning(maker)) {
      fs.rmSync(path.join(root, entry), { recursive: true, force: true });
    }
  }
}

export function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
