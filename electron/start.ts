/** `npm start`: builds what is missing or old, and opens the studio in Electron, or in a browser where that is not here. */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { main } from './cli/main.ts';
import { guardConsole } from './cli/terminal/guard.ts';
import { packageFile } from './base/paths.ts';

/** When the newest file of a folder was changed. */
const newest = (dir: string): number =>
  fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((latest, entry) => Math.max(latest, fs.statSync(path.join(entry.parentPath, entry.name)).mtimeMs), 0);

const changed = (file: string): number => fs.statSync(packageFile(file), { throwIfNoEntry: false })?.mtimeMs ?? 0;

function run(...args: string[]): void {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', cwd: packageFile('') });
  if (status !== 0) process.exit(1);
}

/** The binary that the package `electron` has fetched, if it could. */
function electronBinary(): string | undefined {
  const named = packageFile('node_modules/electron/path.txt');
  if (!fs.existsSync(named)) return undefined;
  const binary = packageFile(path.join('node_modules/electron/dist', fs.readFileSync(named, 'utf8').trim()));
  return fs.existsSync(binary) ? binary : undefined;
}

guardConsole();
if (changed('dist/renderer/index.html') < newest(packageFile('renderer')))
  run(packageFile('node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn');

const electron = electronBinary();
const hasScreen = process.platform !== 'linux' || Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY);
if (electron && hasScreen) {
  if (changed('dist/electron/main.js') < newest(packageFile('electron'))) run(packageFile('electron/build.ts'));
  const child = spawn(electron, [packageFile('dist/electron/main.js')], { stdio: 'inherit' });
  child.on('exit', (code) => process.exit(code ?? 1));
} else {
  const reason = electron ? 'there is no screen' : 'its binary is missing (`npx install-electron` downloads it)';
  console.log(`Electron is not used: ${reason}. The studio opens in a browser.`);
  process.exitCode = await main(['serve', ...(hasScreen ? ['--open'] : []), ...process.argv.slice(2)]);
}
