/**
 * Tests, and whatever they start, have a temporary folder of their own, which is as empty afterwards as it was before: what is left in it
 * fails the run.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Where Node, shells, Python and Chromium look for the temporary folder. */
const variables = ['TMPDIR', 'TEMP', 'TMP'] as const;

export function setup(): () => void {
  const defaults = os.tmpdir();
  // Short: the paths of sockets in it must not be longer than 108 bytes.
  const folder = fs.mkdtempSync(path.join(defaults, 'ty-'));
  for (const name of variables) process.env[name] = folder;
  // Processes that tests start need not compile all sources anew; and tools (ESLint, Vite) would keep theirs in the temporary folder.
  process.env['NODE_COMPILE_CACHE'] = path.resolve('node_modules', '.cache', 'node');
  return () => {
    for (const name of variables) process.env[name] = defaults;
    const left = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    fs.rmSync(folder, { recursive: true, force: true });
    if (left.length === 0) return;
    const shown = left.slice(0, 10).join(', ') + (left.length > 10 ? `, and ${left.length - 10} more` : '');
    throw new Error(`The tests have left ${left.length} files or folders in the temporary folder: ${shown}.`);
  };
}
