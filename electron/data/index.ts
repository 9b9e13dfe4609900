import fs from 'node:fs';
import path from 'node:path';
import { UserError } from '../base/errors.ts';
import { type Manifest, readManifest } from './dataset/index.ts';
import { manifestName } from './dataset/manifest.ts';

export type { Manifest } from './dataset/index.ts';
export { prepareDataset, type PrepareOptions, type PrepareProgress } from './prepare/prepare.ts';

/** The names of the datasets in a home. */
export function datasetNames(home: string): string[] {
  const root = path.join(home, 'datasets');
  if (!fs.existsSync(root)) return [];
  return fs
    .readdirSync(root)
    .filter((name) => !name.startsWith('.') && fs.existsSync(path.join(root, name, manifestName)))
    .sort();
}

/** @throws UserError that lists the datasets when there is none of that name, or says what is wrong with it */
export function loadDatasetInfo(home: string, name: string): Manifest {
  const names = datasetNames(home);
  if (!names.includes(name)) {
    const known =
      names.length > 0 ? `choose from ${names.join(', ')}` : 'there is none yet; give --text FILE to make one';
    throw new UserError(`There is no dataset "${name}": ${known}.`);
  }
  return readManifest(path.join(home, 'datasets', name));
}
