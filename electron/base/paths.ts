import fs from 'node:fs';
import path from 'node:path';

/** The folder of package.json: sources run from below it, and so does what is built of them. */
function findRoot(): string {
  let dir = import.meta.dirname;
  while (!fs.existsSync(path.join(dir, 'package.json'))) {
    const parent = path.dirname(dir);
    if (parent === dir) throw new Error(`no package.json above ${import.meta.dirname}`);
    dir = parent;
  }
  return dir;
}

const root = findRoot();

/** A file of the package, by its path from the package's folder. */
export const packageFile = (relative: string): string => path.join(root, relative);

/** Whether this runs from sources, as the command line does, or from what the desktop application is built of. */
export const fromSources = import.meta.filename.endsWith('.ts');

/**
 * A module that is started on its own: a process or a thread.
 * @param source its path from `electron/`
 * @param built the name of its bundle
 */
export const entryFile = (source: string, built: string): string =>
  packageFile(fromSources ? `electron/${source}` : `dist/electron/${built}`);
