#!/usr/bin/env node
// Starts the command line. The sources are TypeScript, which Node runs as it is from 22.18 on: an older Node
// hands over to the one that the package brings along.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const cli = path.join(here, 'cli.ts');
const [major, minor] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  await import(pathToFileURL(cli).href);
} else {
  const exe = process.platform === 'win32' ? 'node.exe' : 'node';
  const node = path.resolve(here, '..', 'node_modules', 'node', 'bin', exe);
  if (!existsSync(node)) {
    console.error(`Trainyard needs Node 22.18 or newer, and this is ${process.version}: run \`npm ci\` first.`);
    process.exit(1);
  }
  // The child ends when this process has ended, by whatever signal.
  const env = { ...process.env, TRAINYARD_STARTER: String(process.pid) };
  const child = spawn(node, [cli, ...process.argv.slice(2)], { stdio: 'inherit', env });
  // A terminal's Ctrl-C reaches the child by itself as well, which takes the two for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
