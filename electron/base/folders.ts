import fs from 'node:fs';
import path from 'node:path';

/**
 * Creates a folder and those above it, one by one: Node's `recursive` never ends where the system says of a new folder
 * that its parent does not exist though it does (as Linux does in /proc).
 * @throws system errors of the file system
 */
export function makeFolders(dir: string): void {
  if (fs.statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = path.dirname(dir);
  if (parent !== dir) makeFolders(parent);
  try {
    fs.mkdirSync(dir);
  } catch (error) {
    // Another process may have been quicker.
    if (!fs.statSync(dir, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}
