#!/usr/bin/env node
// Starts the command line. The sources are TypeScript, which Node runs as it is from 22.18 on: an older Node
// hands over to the one that the package brings along.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const [major, minor] = process.versions.node.split('.').map(Number);
const cli = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'cli.ts');

if (major > 22 || (major === 22 && minor >= 18)) {
  await import(`file://${cli}`);
} else {
  const exe = process.platform === 'win32' ? 'node.exe' : 'node';
  const node = path.resolve(path.dirname(cli), '..', 'node_modules', 'node', 'bin', exe);
  if (!existsSync(node)) {
    console.error(`Trainyard needs Node 22.18 or newer, and this is ${process.version}: run \`npm ci\` first.`);
    process.exit(1);
  }
  process.on('SIGINT', () => {});
  const { status } = spawnSync(node, [cli, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}
