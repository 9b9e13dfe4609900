import fs from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { dbPath } from '../../../electron/studio/home.ts';
import { openStore, openToRead } from '../../../electron/studio/store/store.ts';
import { tempDir } from '../../temp.ts';
import { addTrainedRun, everythingOf } from './fullHome.ts';
import { newRun, systemMetrics, withDatabase } from './helpers.ts';
import { posix, where } from '../../frame/needs.ts';

/** The content of every file of a folder, and when it was changed. */
const filesOf = (dir: string) =>
  fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const stat = fs.statSync(path.join(dir, name));
      const content = stat.isFile() ? fs.readFileSync(path.join(dir, name)).toString('base64') : '';
      return [name, stat.mtimeMs, content];
    });

function toRead(home: string) {
  const reported: string[] = [];
  const store = openToRead(home, (line) => reported.push(line));
  onTestFinished(() => store.close());
  return { store, reported };
}

/** A home as a process leaves it that was killed: the log is not merged, and a run looks as if it trained. */
async function left(home = path.join(tempDir(), 'home')) {
  const work = tempDir();
  const store = openStore(work);
  const id = await addTrainedRun(store, work, 'r', 60);
  const before = everythingOf(store, id);
  store.runs.setState(newRun(store, 'killed').id, 'training');
  fs.cpSync(work, home, { recursive: true });
  fs.rmSync(`${dbPath(home)}-shm`);
  expect(fs.statSync(`${dbPath(home)}-wal`).size).toBeGreaterThan(1000);
  store.close();
  return { home, id, before };
}

test('a home with a log that was left behind is read, and nothing in it is touched', async () => {
  const { home, id, before } = await left();
  const content = filesOf(home);
  const { store, reported } = toRead(home);
  expect(everythingOf(store, id)).toMatchObject({ run: before.run, metrics: before.metrics, checkpoints: [{}, {}] });
  expect(store.checkpoints.list(id)[0]!.path.startsWith(home)).toBe(true);
  expect(reported).toEqual([]);
  expect(filesOf(home)).toEqual(content);
});

test('what would write says so in one line that names the file', async () => {
  const { home, id } = await left();
  const { store } = toRead(home);
  expect(() => store.runs.update(id, { name: 'x' })).toThrow(/trainyard\.db.*read-only/);
  expect(() => store.claims.take(id)).toThrow(dbPath(home));
});

where(test, posix)('the copy is gone when the store is closed', async () => {
  const { home } = await left();
  const temporary = tempDir();
  vi.stubEnv('TMPDIR', temporary);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { store } = toRead(home);
  expect(fs.readdirSync(temporary)).toHaveLength(1);
  store.close();
  expect(fs.readdirSync(temporary)).toEqual([]);
});

test.each([
  ['damaged', (file: string) => fs.writeFileSync(file, 'x'.repeat(9000)), /was damaged: 2 runs recovered/],
  ['missing', (file: string) => fs.rmSync(file), /missing or empty: 2 runs recovered/],
  ['empty', (file: string) => fs.truncateSync(file, 0), /missing or empty: 2 runs recovered/],
])('a read-only home whose database is %s shows the runs of its folders', async (_, damage, message) => {
  const { home, id, before } = await left();
  fs.rmSync(`${dbPath(home)}-wal`, { force: true });
  damage(dbPath(home));
  const content = filesOf(home);
  const { store, reported } = toRead(home);
  expect(reported).toEqual([expect.stringMatching(message)]);
  expect(store.runs.get(id)).toMatchObject({ name: 'r', step: 60, config: before.run.config });
  expect(store.checkpoints.list(id)).toHaveLength(2);
  expect(filesOf(home)).toEqual(content);
});

test('an older database is read without being updated', async () => {
  const { home, id } = await left();
  withDatabase(dbPath(home), (db) => {
    db.exec(
      'ALTER TABLE runs DROP COLUMN pidNamespace; ALTER TABLE runs DROP COLUMN stoppedEarly; ALTER TABLE runs DROP COLUMN stopAt; DROP INDEX runsByRequest; ALTER TABLE runs DROP COLUMN requestKey; DROP TABLE jobLog; DROP TABLE jobs; DROP TABLE generations',
    );
    for (const name of systemMetrics) db.exec(`ALTER TABLE metrics DROP COLUMN ${name}`);
    db.prepare('UPDATE checkpoints SET path = ? || path').run('/elsewhere/');
    db.pragma('user_version = 7');
  });
  const content = filesOf(home);
  const { store } = toRead(home);
  expect(store.metrics.read(id).at(-1)).toMatchObject({ step: 60, gpuPower: null });
  expect(store.checkpoints.list(id)[0]!.path.startsWith(home)).toBe(true);
  expect(filesOf(home)).toEqual(content);
});

test('an empty read-only home has no runs', () => {
  const home = tempDir();
  expect(toRead(home).store.runs.list()).toEqual([]);
  expect(fs.readdirSync(home)).toEqual([]);
});
