import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Lock } from '../../base/lock.ts';
import { UserError } from '../../base/errors.ts';
import { whyOf } from '../../base/systemErrors.ts';
import { awaitClaim, requireClaim, whileClaimed } from './claim.ts';
import { type Manifest, openDataset } from './index.ts';
import { manifestName } from './manifest.ts';

/**
 * Makes a dataset that is whole or absent: written beside its place, synced, then renamed. One of this name that is whole
 * already is taken as it is; one that another process makes is waited for.
 * @param write fills a folder, and describes what is in it, unless its signal is aborted
 * @throws UserError when the disk does not take it, and what `write` throws
 */
export async function makeDataset(
  home: string,
  name: string,
  write: (dir: string, signal: AbortSignal) => Promise<Manifest>,
  signal?: AbortSignal,
): Promise<Manifest> {
  const dir = path.join(home, 'datasets', name);
  const there = wholeDataset(dir);
  if (there) return there;

  let claim: Lock | undefined;
  const partial = path.join(home, 'datasets', `.${name}.${process.pid}-${randomBytes(4).toString('hex')}.partial`);
  try {
    claim = await awaitClaim(home, name, signal);
    const quicker = wholeDataset(dir);
    if (quicker) return quicker;
    removePartials(path.join(home, 'datasets'), name);
    fs.mkdirSync(partial, { recursive: true });
    const manifest = await write(partial, whileClaimed(claim, signal));
    requireClaim(claim, name);
    fs.rmSync(dir, { recursive: true, force: true });
    fs.renameSync(partial, dir);
    return manifest;
  } catch (error) {
    fs.rmSync(partial, { recursive: true, force: true });
    if (claim) requireClaim(claim, name);
    if (error instanceof UserError || !(error instanceof Error && 'code' in error) || signal?.aborted) throw error;
    throw new UserError(
      `The dataset can't be written to ${dir}: ${whyOf(error)}. Nothing is left of it; free some space and try again.`,
    );
  } finally {
    claim?.release();
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

/** Leftovers of this dataset, by processes that are dead: only whoever has claimed it may remove them. */
export function removePartials(root: string, name: string): void {
  for (const entry of fs.readdirSync(root)) {
    if (entry.startsWith(`.${name}.`) && entry.endsWith('.partial'))
      fs.rmSync(path.join(root, entry), { recursive: true, force: true });
  }
}
