import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { isAlive, thisProcess } from '../../../electron/base/owner.ts';
import { takeRun } from '../../../electron/engine/process/orphan.ts';
import { runDir } from '../../../electron/studio/home.ts';
import { openStore } from '../../../electron/studio/store/store.ts';
import { tempDir } from '../../temp.ts';
import { newRun, testStore, withDatabase } from './helpers.ts';

const storeModule = pathToFileURL(path.resolve(import.meta.dirname, '../../../electron/studio/store/index.ts')).href;

/** A script that has the store module's exports and its arguments. */
const script = (body: string) =>
  `import { openStore } from ${JSON.stringify(storeModule)}; const [home, ...args] = process.argv.slice(1);\n${body}`;
const nodeArgs = (body: string, ...args: string[]) => ['--input-type=module', '-e', script(body), ...args];

/** Runs a script in a process of its own that ends by SIGKILL. @returns what it printed */
function killed(body: string, home: string): string {
  const all = `${body}\nprocess.kill(process.pid, 'SIGKILL');`;
  const { stdout, stderr, signal, status } = spawnSync(process.execPath, nodeArgs(all, home), { encoding: 'utf8' });
  if (signal === null && status === 0) throw new Error(stderr);
  return stdout.trim();
}

test('a run whose process was killed is interrupted when the store is opened again, and keeps what was stored', () => {
  const home = tempDir();
  const id = killed(
    `const store = openStore(home);
     const { id } = store.runs.create({ name: 'n', config: {}, device: 'cpu' });
     store.runs.setState(id, 'training');
     const writer = store.metrics.writer(id);
     for (let step = 1; step <= 5; step++) writer.add({ step, time: step, loss: 6 - step });
     writer.flush();
     (await import('node:fs')).writeSync(1, id);`,
    home,
  );
  const store = testStore(home);
  expect(store.runs.get(id)).toMatchObject({ state: 'training', step: 5 });
  expect(store.runs.markInterrupted().map((r) => r.id)).toEqual([id]);
  const run = store.runs.get(id);
  expect(run).toMatchObject({ state: 'interrupted', pid: null, step: 5, lastLoss: 1 });
  expect(run.message).toMatch(/process \d+ is not running any more/);
  expect(run.endedAt).toBeLessThanOrEqual(Date.now());
  expect(store.events.list(id)).toMatchObject([{ kind: 'interrupted', level: 'warning', step: 5 }]);
  expect(store.runs.markInterrupted()).toEqual([]);
  store.claims.take(id);
  expect(store.runs.get(id).pid).toBe(process.pid);
});

test('a run whose owner is gone is left alone while its engine saves it', () => {
  const home = tempDir();
  const id = killed(
    `const store = openStore(home);
     const { id } = store.runs.create({ name: 'n', config: {}, device: 'cpu' });
     store.runs.setState(id, 'training');
     (await import('node:fs')).writeSync(1, id);`,
    home,
  );
  fs.mkdirSync(runDir(home, id), { recursive: true });
  const engine = takeRun(runDir(home, id));
  const store = testStore(home);
  expect(store.claims.isOrphaned(id)).toBe(true);
  expect(store.runs.markInterrupted()).toEqual([]);
  expect(() => store.claims.take(id)).toThrow(/still being saved by its engine/);
  expect(() => store.runs.delete(id)).toThrow(/still being saved by its engine/);
  engine.release();
  expect(store.claims.isOrphaned(id)).toBe(false);
  expect(store.runs.markInterrupted().map((r) => r.id)).toEqual([id]);
  store.claims.take(id);
});

test('runs at rest and runs of a living process are left alone', () => {
  const home = tempDir();
  const owner = testStore(home);
  const [training, paused, done] = [newRun(owner).id, newRun(owner).id, newRun(owner).id];
  owner.runs.setState(training, 'training');
  owner.runs.setState(paused, 'paused');
  owner.claims.release(paused);
  owner.runs.setState(done, 'completed');
  owner.claims.release(done);
  const other = testStore(home);
  expect(other.runs.markInterrupted()).toEqual([]);
  expect(other.runs.get(training).state).toBe('training');
  owner.claims.release(training);
  expect(other.runs.markInterrupted().map((r) => r.id)).toEqual([training]);
});

test('a run that another process trains can not be claimed or released', async () => {
  const home = tempDir();
  const { id } = newRun(testStore(home));
  const body = `const store = openStore(home);
    store.claims.release(args[0]);
    try { store.claims.take(args[0]); console.log('claimed'); } catch (error) { console.log(error.name, error.message); }
    store.close();`;
  const { stdout } = spawnSync(process.execPath, nodeArgs(body, home, id), { encoding: 'utf8' });
  expect(stdout).toMatch(/^UserError .*pause it there first/);
  expect(stdout).toContain(String(process.pid));
});

test('a process is told from a later one with the same number, and from one of another boot or machine', () => {
  const me = thisProcess();
  const now = Date.now();
  const hourAgo = now - 3_600_000;
  expect(isAlive(me, now)).toBe(true);
  const elsewhere = { ...me, host: `not-${os.hostname()}`, bootId: 'another' };
  expect(isAlive(elsewhere, now)).toBe(true);
  expect(isAlive(elsewhere, hourAgo)).toBe(false);
  // Where the platform tells nothing more, a long silence has to do.
  expect(isAlive({ ...me, processStart: null }, hourAgo)).toBe(false);
  if (me.bootId !== null) {
    const other = { ...me, bootId: 'another' };
    expect(isAlive(other, now - 1000 * os.uptime() - 5000, now)).toBe(false);
    // Who reports since this machine was started is another machine of the same name.
    expect(isAlive(other, now, now)).toBe(true);
    expect(isAlive(other, hourAgo, now)).toBe(false);
  }
  if (me.processStart === null) return;
  expect(isAlive(me, hourAgo)).toBe(true);
  expect(isAlive({ ...me, host: 'the name it had in another network' }, hourAgo)).toBe(true);
  expect(isAlive({ ...me, processStart: `${me.processStart}0` }, now)).toBe(false);
});

test('the heartbeat tells of a process in another container, and a wrong clock does not hold for ever', () => {
  const me = thisProcess();
  if (me.bootId === null || me.pidNamespace === null) return;
  const now = Date.now();
  // A process of this number runs here as well, and another one of a number that nobody has here.
  for (const pid of [me.pid, 2 ** 30]) {
    const other = { ...me, pid, host: 'a-container', pidNamespace: 'pid:[1]', processStart: '17' };
    expect(isAlive(other, now - 30_000, now)).toBe(true);
    expect(isAlive(other, now - 200_000, now)).toBe(false);
    expect(isAlive(other, now + 3_600_000, now)).toBe(false);
  }
});

test('a dead process that its parent has not asked about does not count as alive', async () => {
  if (process.platform !== 'linux') return;
  // It stands still, and does not wait for its child.
  const body = `import { spawn } from 'node:child_process'; import fs from 'node:fs';
    fs.writeSync(1, String(spawn('true').pid)); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', body], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (text) => resolve(Number(text))));
  while (!/^\d+ \(.*\) Z/s.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))) await setTimeout(5);
  expect(isAlive({ ...thisProcess(), pid, processStart: null }, Date.now())).toBe(false);
});

test('a process of the same number on a host of the same name does not own what another container does', () => {
  const home = tempDir();
  const store = testStore(home);
  const { id } = newRun(store);
  store.runs.setState(id, 'training');
  const move = (pidNamespace: string, heartbeat: number) =>
    withDatabase(store.file, (db) => {
      db.prepare('UPDATE runs SET pidNamespace = ?, heartbeat = ?').run(pidNamespace, heartbeat);
    });
  move('pid:[1]', Date.now());
  if (thisProcess().pidNamespace === null) return;
  const other = testStore(home);
  expect(other.runs.markInterrupted()).toEqual([]);
  expect(other.claims.isOwn(id)).toBe(false);
  expect(() => other.claims.take(id)).toThrow(/another container.*pause it there first/);
  expect(() => other.runs.delete(id)).toThrow(/another container.*pause it there first/);
  other.claims.release(id);
  expect(other.runs.get(id).pid).toBe(process.pid);
  move('pid:[1]', Date.now() - 3_600_000);
  expect(other.runs.markInterrupted().map((r) => r.id)).toEqual([id]);
  other.claims.take(id);
  expect(other.claims.isOwn(id)).toBe(true);
});

test('an owner hears when another process has taken its run over', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const home = tempDir();
  const store = testStore(home);
  const [lost, kept] = [newRun(store).id, newRun(store).id];
  const reported: string[] = [];
  store.claims.take(lost, () => reported.push(lost));
  store.claims.take(kept, () => reported.push(kept));
  withDatabase(store.file, (db) => {
    db.prepare("UPDATE runs SET pid = 1, processStart = '1', heartbeat = 5 WHERE id = ?").run(lost);
  });
  vi.advanceTimersByTime(25_000);
  expect(reported).toEqual([lost]);
  expect(store.runs.get(kept).heartbeat).toBeGreaterThan(5);
  expect(store.runs.get(lost).heartbeat).toBe(5);
});

test('a run that this process has claimed for it can be deleted, and one whose process is dead', () => {
  const store = testStore(tempDir());
  const [own, dead] = [newRun(store).id, newRun(store).id];
  withDatabase(store.file, (db) => {
    db.prepare("UPDATE runs SET pid = ?, processStart = '1' WHERE id = ?").run(process.ppid, dead);
  });
  store.runs.delete(own, true);
  if (thisProcess().processStart !== null) store.runs.delete(dead);
  expect(store.runs.has(own)).toBe(false);
});

test('two processes write at once and nothing is lost', async () => {
  const home = tempDir();
  openStore(home).close();
  const body = `const store = openStore(home, { busyTimeoutMs: 250_000 });
    const { id } = store.runs.create({ name: args[0], config: {}, device: 'cpu' });
    const writer = store.metrics.writer(id, { maxRows: 7 });
    for (let step = 0; step < 2000; step++) {
      writer.add({ step, time: step, loss: step });
      if (step % 50 === 0) store.events.add(id, step, 'info', 'x', 'y');
    }
    writer.close();
    store.close();`;
  const codes = ['a', 'b'].map(
    (name) =>
      new Promise((resolve) => {
        spawn(process.execPath, nodeArgs(body, home, name), { stdio: ['ignore', 'inherit', 'inherit'] }).on(
          'exit',
          resolve,
        );
      }),
  );
  expect(await Promise.all(codes)).toEqual([0, 0]);
  const store = testStore(home, { readonly: true });
  for (const name of ['a', 'b']) {
    const { id, step } = store.runs.get(name);
    expect(step).toBe(1999);
    expect(store.events.list(id)).toHaveLength(40);
    expect(store.metrics.buckets(id, 'loss', { points: 1 })).toMatchObject([
      { count: 2000, max: 1999, sum: 1999 * 1000 },
    ]);
  }
  expect(withDatabase(store.file, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
});
