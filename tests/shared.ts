import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..', '..', 'shared');

/** Path of reference data beside the repository, or null on a machine that has none. */
export function sharedPath(...parts: string[]): string | null {
  const file = path.join(root, ...parts);
  return fs.existsSync(file) ? file : null;
}
