import fs from 'node:fs';
import path from 'node:path';

/** The path below a folder; undefined where it is not below it. */
function below(dir: string, target: string): string | undefined {
  const relative = path.relative(dir, target);
  const outside = relative === '' || relative === '..' || relative.startsWith(`..${path.sep}`);
  return outside || path.isAbsolute(relative) ? undefined : relative;
}

function real(target: string): string | undefined {
  try {
    return fs.realpathSync(target);
  } catch {
    return undefined; // not there
  }
}

/**
 * A path as the store keeps it: relative to the home and with `/`, whatever the platform, so that a home can be copied, moved
 * or mounted elsewhere. What lies outside of the home keeps its absolute path.
 */
export function storedPath(home: string, target: string): string {
  const absolute = path.resolve(target);
  let relative = below(path.resolve(home), absolute);
  if (relative === undefined) {
    // One of them may be named through a symbolic link.
    const [realHome, realTarget] = [real(home), real(absolute)];
    if (realHome !== undefined && realTarget !== undefined) relative = below(realHome, realTarget);
  }
  return relative === undefined ? absolute : relative.split(path.sep).join('/');
}

/** Where a path of the store is in the home that is open. */
export const placeOf = (home: string, stored: string): string =>
  path.isAbsolute(stored) || path.win32.isAbsolute(stored) ? stored : path.join(home, ...stored.split('/'));
