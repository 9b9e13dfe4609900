import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { packageFile } from '../../../electron/base/paths.ts';
import { tempDir } from '../../temp.ts';

/** What a program in a copy said, and how it ended. */
export interface CopyResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A copy of the product that a test adds something to. It is gone when the test ends. */
export interface ProductCopy {
  readonly dir: string;
  /** A new file. @throws Error where there is one */
  add(file: string, text: string): void;
  /** Changes a file that is there. @throws Error when it does not have `before`, exactly once */
  change(file: string, before: string, after: string): void;
  /** Those files that were there and were changed. */
  changed(): string[];
  /** Those that are new. */
  added(): string[];
  /** Runs a TypeScript program of the copy with Node. */
  run(file: string, ...args: readonly string[]): Promise<CopyResult>;
  /** Runs the copy's command line. */
  cli(...args: readonly string[]): Promise<CopyResult>;
}

/** Copied: all that is written by hand. Linked: what is installed or compiled; `native/build` may be built anew by who adds kernels. */
const copied = ['electron', 'resources', 'native', 'package.json', 'tsconfig.json'];
const linked = ['node_modules', 'native/build'];

/** @param own what is copied though it is linked otherwise, such as `native/build` where it is to be built in */
export function copyOfProduct(own: readonly string[] = []): ProductCopy {
  const dir = tempDir();
  const links = linked.filter((file) => !own.includes(file)).map(packageFile);
  for (const file of copied)
    fs.cpSync(packageFile(file), path.join(dir, file), {
      recursive: true,
      filter: (source) => !links.includes(source),
    });
  for (const link of links)
    if (fs.existsSync(link)) fs.symlinkSync(link, path.join(dir, path.relative(packageFile(''), link)), 'junction');
  const [changed, added] = [new Set<string>(), new Set<string>()];
  const at = (file: string) => path.join(dir, file);
  const run = (file: string, ...args: readonly string[]): Promise<CopyResult> => {
    const child = spawn(process.execPath, [at(file), ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  };
  return {
    dir,
    add(file, text) {
      fs.mkdirSync(path.dirname(at(file)), { recursive: true });
      fs.writeFileSync(at(file), text, { flag: 'wx' });
      added.add(file);
    },
    change(file, before, after) {
      const text = fs.readFileSync(at(file), 'utf8');
      if (text.split(before).length !== 2) throw new Error(`${file} does not have this once: ${before}`);
      fs.writeFileSync(
        at(file),
        text.replace(before, () => after),
      );
      if (!added.has(file)) changed.add(file);
    },
    changed: () => [...changed],
    added: () => [...added],
    run,
    cli: (...args) => run('electron/cli.ts', ...args),
  };
}
