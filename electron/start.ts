/** `npm start`: builds the page where it is missing or old, and opens the studio. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { main } from './cli/main.ts';
import { packageFile } from './paths.ts';

/** When the newest file of a folder was changed. */
function newest(dir: string): number {
  return fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((latest, entry) => Math.max(latest, fs.statSync(path.join(entry.parentPath, entry.name)).mtimeMs), 0);
}

function buildPage(): void {
  const built = fs.statSync(packageFile('dist/renderer/index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built >= newest(packageFile('renderer'))) return;
  const vite = packageFile('node_modules/vite/bin/vite.js');
  const { status } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    stdio: 'inherit',
    cwd: packageFile(''),
  });
  if (status !== 0) process.exit(1);
}

buildPage();
const hasScreen = process.platform !== 'linux' || Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY);
process.exitCode = await main(['serve', ...(hasScreen ? ['--open'] : []), ...process.argv.slice(2)]);
