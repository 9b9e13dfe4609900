import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { packageFile } from '../../electron/base/paths.ts';
import { linux, where } from '../frame/needs.ts';
import { tempDir } from '../temp.ts';
import { oneLineOf } from './workplace.ts';

const into = (out: number | 'pipe', home: string, ...args: string[]) =>
  spawnSync(process.execPath, [packageFile('electron/cli.ts'), '--home', home, ...args], {
    stdio: ['ignore', out, 'pipe'],
    encoding: 'utf8',
  });

where(it, linux)('a command whose output finds no room says so, and has failed', () => {
  const full = fs.openSync('/dev/full', 'w');
  try {
    const { status, stderr } = into(full, tempDir(), '--help');
    expect(status).toBe(1);
    expect(oneLineOf(stderr)).toMatch(/output can't be written: the disk is full/);
  } finally {
    fs.closeSync(full);
  }
});

it('what the system refuses is told in words', () => {
  const home = tempDir();
  const { status, stderr } = into('pipe', home, 'train', '--config', home);
  expect([status, oneLineOf(stderr)]).toEqual([
    2,
    `trainyard: The config ${path.resolve(home)} can't be read: it is a folder (EISDIR).`,
  ]);
});
