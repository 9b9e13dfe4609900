import { spawn, spawnSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { isAlive, thisProcess } from '../../../electron/studio/store/owner.ts';
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
     const { id } = store.createRun({ name: 'n', config: {}, device: 'cpu' });
     store.setRunState(id, 'training');
     const writer = store.metricsWriter(id);
     for (let step = 1; step <= 5; step++) writer.add({ step, time: step, loss: 6 - step });
     writer.flush();
     (await import('node:fs')).writeSync(1, id);`,
    home,
  );
  const store = testStore(home);
  expect(store.getRun(id)).toMatchObject({ state: 'training', step: 5 });
  expect(store.markInterrupted().map((r) => r.id)).toEqual([id]);
  const run = store.getRun(id);
  expect(run).toMatchObject({ state: 'interrupted', pid: null, step: 5, lastLoss: 1 });
  expect(run.message).toMatch(/process \d+ is gone/);
  expect(run.endedAt).toBeLessThanOrEqual(Date.now());
  expect(store.listEvents(id)).toMatchObject([{ kind: 'interrupted', level: 'warning', step: 5 }]);
  expect(store.markInterrupted()).toEqual([]);
  store.claimRun(id);
  expect(store.getRun(id).pid).toBe(process.pid);
});

test('runs at rest and runs of a living process are left alone', () => {
  const home = tempDir();
  const owner = testStore(home);
  const [training, paused, done] = [newRun(owner).id, newRun(owner).id, newRun(owner).id];
  owner.setRunState(training, 'training');
  owner.setRunState(paused, 'paused');
  owner.releaseRun(paused);
  owner.setRunState(done, 'completed');
  owner.releaseRun(done);
  const other = testStore(home);
  expect(other.markInterrupted()).toEqual([]);
  expect(other.getRun(training).state).toBe('training');
  owner.releaseRun(training);
  expect(other.markInterrupted().map((r) => r.id)).toEqual([training]);
});

test('a run that another process trains can not be claimed or released', async () => {
  const home = tempDir();
  const { id } = newRun(testStore(home));
  const body = `const store = openStore(home);
    store.releaseRun(args[0]);
    try { store.claimRun(args[0]); console.log('claimed'); } catch (error) { console.log(error.name, error.message); }
    store.close();`;
  const { stdout } = spawnSync(process.execPath, nodeArgs(body, home, id), { encoding: 'utf8' });
  expect(stdout).toMatch(/^UserError .*stop it there first/);
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
  if (me.bootId !== null) expect(isAlive({ ...me, bootId: 'another' }, now)).toBe(false);
  if (me.processStart === null) return;
  expect(isAlive(me, hourAgo)).toBe(true);
  expect(isAlive({ ...me, host: 'the name it had in another network' }, hourAgo)).toBe(true);
  expect(isAlive({ ...me, processStart: `${me.processStart}0` }, now)).toBe(false);
});

test('two processes write at once and nothing is lost', async () => {
  const home = tempDir();
  openStore(home).close();
  const body = `const store = openStore(home, { busyTimeoutMs: 250_000 });
    const { id } = store.createRun({ name: args[0], config: {}, device: 'cpu' });
    const writer = store.metricsWriter(id, { maxRows: 7 });
    for (let step = 0; step < 2000; step++) {
      writer.add({ step, time: step, loss: step });
      if (step % 50 === 0) store.addEvent(id, step, 'info', 'x', 'y');
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
    const { id, step } = store.getRun(name);
    expect(step).toBe(1999);
    expect(store.listEvents(id)).toHaveLength(40);
    expect(store.readBuckets(id, 'loss', { points: 1 })).toMatchObject([{ count: 2000, max: 1999, sum: 1999 * 1000 }]);
  }
  expect(withDatabase(store.file, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
});
