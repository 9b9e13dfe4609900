import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { tempDir } from '../temp.ts';

/** A shell command that makes a folder a disk of so many KiB, and ends when its input does. */
const holder = (dir: string, kib: number) => `mount -t tmpfs -o size=${kib}k none '${dir}' && echo mounted && exec cat`;
const unshare = (dir: string, kib: number) => ['-m', 'sh', '-c', holder(dir, kib)];

/** Whether this user may mount a small disk: as root on Linux, mostly. */
export const canMount =
  process.platform === 'linux' &&
  spawnSync('unshare', unshare('/mnt', 64), { input: '' }).status === 0 &&
  spawnSync('nsenter', ['--version']).status === 0;

export interface SmallDisk {
  /** Its folder, for processes that are started by way of `via`; others see an empty one. */
  readonly dir: string;
  /** The same folder for all others. SQLite resolves links and can't open files there. */
  readonly outside: string;
  readonly via: readonly string[];
  /** Takes all the space that is left. @returns what gives it back */
  fill(): () => void;
  /** Copies a folder given by its path outside. @returns the copy, gone when the test ends */
  copy(from: string): string;
}

/** A disk of so many KiB that only this test sees; gone when the test ends, however that happens. */
export async function smallDisk(kib: number): Promise<SmallDisk> {
  const dir = tempDir();
  const child = spawn('unshare', unshare(dir, kib), { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  onTestFinished(async () => {
    child.stdin.end();
    await ended;
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`unshare ended with ${code}`)));
  });
  const outside = path.join('/proc', String(child.pid), 'root', dir);
  return {
    dir,
    outside,
    via: ['nsenter', '-m', '-t', String(child.pid)],
    fill: () => fill(path.join(outside, 'filler')),
    copy(from) {
      // A file may be taken away meanwhile.
      for (let tries = 0; ; tries++) {
        const to = tempDir();
        try {
          fs.cpSync(from, to, { recursive: true });
          return to;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries > 20) throw error;
        }
      }
    },
  };
}

function fill(file: string): () => void {
  const fd = fs.openSync(file, 'w');
  for (const bytes of [Buffer.alloc(4096, 1), Buffer.alloc(1, 1)]) {
    try {
      while (fs.writeSync(fd, bytes) > 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  fs.closeSync(fd);
  return () => fs.rmSync(file);
}
