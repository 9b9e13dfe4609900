import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { holderOf, type Lock, tryLock } from '../../electron/base/lock.ts';
import { thisProcess } from '../../electron/base/owner.ts';
import { tempDir } from '../temp.ts';

const module = pathToFileURL(path.resolve(import.meta.dirname, '../../electron/base/lock.ts')).href;
const script = (body: string) =>
  `import { tryLock } from ${JSON.stringify(module)}; import fs from 'node:fs'; const [file, ...args] = process.argv.slice(1);\n${body}`;
const nodeArgs = (body: string, ...args: string[]) => ['--input-type=module', '-e', script(body), ...args];

function taken(file: string): Lock {
  const outcome = tryLock(file);
  if (!('lock' in outcome)) throw new Error('it is held');
  onTestFinished(() => outcome.lock.release());
  return outcome.lock;
}

/** A lock as a process leaves it that is killed. */
function stale(file: string, changed: object = {}): void {
  const dead = spawnSync(process.execPath, nodeArgs(`tryLock(file); process.kill(process.pid, 'SIGKILL');`, file));
  expect(dead.signal).toBe('SIGKILL');
  const left = JSON.parse(fs.readFileSync(file, 'utf8')) as object;
  fs.writeFileSync(file, JSON.stringify({ ...left, ...changed }));
}

/** Runs a script in several processes at once. @returns what each has printed */
function concurrently(count: number, body: string, ...args: string[]): Promise<string[]> {
  const one = () =>
    new Promise<string>((resolve) => {
      const child = spawn(process.execPath, nodeArgs(body, ...args), { stdio: ['ignore', 'pipe', 'inherit'] });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.on('close', () => resolve(out));
    });
  return Promise.all(Array.from({ length: count }, one));
}

test('a lock is held by one, told by holderOf, and free again when it is released', () => {
  const file = path.join(tempDir(), 'a.lock');
  expect(holderOf(file)).toBeNull();
  const lock = taken(file);
  expect(holderOf(file)?.owner).toMatchObject({ pid: process.pid });
  expect(tryLock(file)).toMatchObject({ holder: { owner: { pid: process.pid } } });
  lock.release();
  expect(fs.readdirSync(path.dirname(file))).toEqual([]);
  taken(file);
});

test('a lock of a killed process is taken over, and nothing of it is left', () => {
  const file = path.join(tempDir(), 'a.lock');
  stale(file);
  expect(holderOf(file)).toBeNull();
  const lock = taken(file);
  expect(fs.readdirSync(path.dirname(file))).toEqual(['a.lock']);
  lock.release();
  expect(fs.readdirSync(path.dirname(file))).toEqual([]);
});

test('a chain of takers that were killed within their claim is stale as a whole', () => {
  const file = path.join(tempDir(), 'a.lock');
  stale(file, { id: 'first' });
  stale(`${file}.first`, { id: 'second' });
  stale(`${file}.first.second`, { id: 'unrelated' });
  fs.renameSync(`${file}.first.second`, `${file}.second`);
  const lock = taken(file);
  expect(fs.readdirSync(path.dirname(file))).toEqual(['a.lock']);
  lock.release();
});

test('a lock of another container or machine holds while it reports, and no longer', () => {
  const file = path.join(tempDir(), 'a.lock');
  stale(file, { pidNamespace: 'pid:[1]', host: 'a-container' });
  if (thisProcess().pidNamespace === null) return;
  expect(tryLock(file)).toHaveProperty('holder');
  const hourAgo = new Date(Date.now() - 3_600_000);
  fs.utimesSync(file, hourAgo, hourAgo);
  taken(file);
});

test('locks of older versions hold a process number: one that runs since before it was written', () => {
  const file = path.join(tempDir(), 'a.lock');
  fs.writeFileSync(file, String(process.pid));
  expect(tryLock(file)).toMatchObject({ holder: { owner: { pid: process.pid } } });
  if (process.platform !== 'linux') return;
  // This process started later: it has got the number of whoever wrote that.
  const before = new Date(Date.now() - 1000 * process.uptime() - 60_000);
  fs.utimesSync(file, before, before);
  taken(file).release();
  fs.writeFileSync(file, String(2 ** 30));
  taken(file);
});

test('a lock that is being written holds for a moment, and a damaged one not for ever', () => {
  const file = path.join(tempDir(), 'a.lock');
  fs.writeFileSync(file, '');
  expect(tryLock(file)).toMatchObject({ holder: { owner: null } });
  const before = new Date(Date.now() - 60_000);
  fs.utimesSync(file, before, before);
  taken(file);
});

test('an owner reports, and hears when another has taken its lock', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const file = path.join(tempDir(), 'a.lock');
  const lock = taken(file);
  fs.utimesSync(file, 0, 0);
  vi.advanceTimersByTime(11_000);
  expect(fs.statSync(file).mtimeMs).toBeGreaterThan(0);
  expect(lock.lost.aborted).toBe(false);
  const other = JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), id: 'other' });
  fs.writeFileSync(file, other);
  vi.advanceTimersByTime(11_000);
  expect(lock.lost.aborted).toBe(true);
  lock.release();
  expect(fs.readFileSync(file, 'utf8')).toBe(other);
});

test(
  'of many processes that try at once one gets it, over a stale lock and over none',
  { timeout: 60_000 },
  async () => {
    const dir = tempDir();
    // Each trial has a file of its own; whoever is first waits for the others, so that they meet.
    const body = `const [trials] = args;
    let wins = 0;
    for (let i = 0; i < trials; i++) {
      fs.writeFileSync(file + i + '-ready-' + process.pid, '');
      while (fs.readdirSync(args[1]).filter((f) => f.startsWith(args[2] + i + '-ready-')).length < 4);
      if ('lock' in tryLock(file + i)) fs.appendFileSync(file + i + '-winners', process.pid + ' ');
    }
    fs.writeFileSync(file + '-done-' + process.pid, '');
    // An owner that ends would leave a stale lock to those who still try.
    while (fs.readdirSync(args[1]).filter((f) => f.startsWith(args[2] + '-done-')).length < 4);
    process.exit(0);`;
    const trials = 60;
    const file = path.join(dir, 'x');
    stale(path.join(dir, 'stale'));
    const old = fs.readFileSync(path.join(dir, 'stale'), 'utf8');
    for (let i = 0; i < trials; i += 2) fs.writeFileSync(file + String(i), old);
    await concurrently(4, body, file, String(trials), dir, 'x');
    for (let i = 0; i < trials; i++) {
      const winners = fs.readFileSync(`${file}${i}-winners`, 'utf8').trim().split(' ');
      expect(winners, `trial ${i}`).toHaveLength(1);
    }
  },
);

test('no two processes ever hold it, however often it is released and left stale', { timeout: 60_000 }, async () => {
  const file = path.join(tempDir(), 'a.lock');
  const body = `let wins = 0, clashes = 0;
    for (let i = 0; wins < 40 && i < 100_000; i++) {
      const outcome = tryLock(file);
      if (!('lock' in outcome)) continue;
      wins++;
      try { fs.writeFileSync(file + '-held', '', { flag: 'wx' }); } catch { clashes++; }
      const until = performance.now() + Math.random();
      while (performance.now() < until);
      fs.rmSync(file + '-held', { force: true });
      if (i % 2) { outcome.lock.release(); continue; }
      // As if this process was killed: the lock is that of one that ended long ago.
      const left = { ...JSON.parse(fs.readFileSync(file, 'utf8')), pid: 2 ** 30 };
      fs.writeFileSync(args[0] + process.pid, JSON.stringify(left));
      fs.renameSync(args[0] + process.pid, file);
    }
    console.log(wins, clashes);
    process.exit(0);`;
  const reported = await concurrently(4, body, file, path.join(path.dirname(file), 'left-'));
  for (const line of reported) expect(line).toMatch(/^40 0\n$/);
});
