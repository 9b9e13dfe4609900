import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkpointDir, dbPath } from '../../../electron/studio/home.ts';
import { migrate } from '../../../electron/studio/store/migrations.ts';
import { placeOf, storedPath } from '../../../electron/studio/store/places.ts';
import { openStore } from '../../../electron/studio/store/store.ts';
import { tempDir } from '../../temp.ts';
import { newRun, testStore, withDatabase } from './helpers.ts';
import { posix, where } from '../../frame/needs.ts';

const dataset = { tokenizer: 'bytes', trainTokens: 1, valTokens: 1, bytes: 2 };

/** A home with a run, a checkpoint and a dataset, closed. @returns the run's id */
function filled(home: string): string {
  const store = openStore(home);
  const { id } = newRun(store);
  store.claims.release(id);
  const dir = checkpointDir(home, id, 5);
  fs.mkdirSync(dir, { recursive: true });
  store.checkpoints.add(id, { step: 5, path: dir, bytes: 1 });
  store.datasets.upsert({ name: 'my_text', path: path.join(home, 'datasets', 'my_text'), ...dataset });
  store.close();
  return id;
}

const storedPaths = (home: string) =>
  withDatabase(dbPath(home), (db) =>
    db.prepare('SELECT path FROM checkpoints UNION ALL SELECT path FROM datasets').pluck().all(),
  );

test('a path in the home is kept relative to it, with slashes; one outside stays as it is', () => {
  const home = tempDir();
  const inside = path.join(home, 'runs', 'a', '..b', 'c');
  for (const given of [home, `${home}${path.sep}`, path.join(home, 'runs', '..'), path.relative(process.cwd(), home)]) {
    expect(storedPath(given, inside)).toBe('runs/a/..b/c');
  }
  expect(storedPath(home, path.relative(process.cwd(), inside))).toBe('runs/a/..b/c');
  const sibling = path.join(path.dirname(home), `${path.basename(home)}-2`, 'x');
  expect(storedPath(home, sibling)).toBe(sibling);
  expect(storedPath(home, home)).toBe(home);
  expect(placeOf(home, 'runs/a/..b/c')).toBe(inside);
  expect(placeOf(home, sibling)).toBe(sibling);
  expect(placeOf(home, 'D:\\elsewhere\\x')).toBe('D:\\elsewhere\\x');
});

where(test, posix)('a home named through a symbolic link is the same home', () => {
  const home = tempDir();
  const link = path.join(tempDir(), 'link');
  fs.symlinkSync(home, link);
  fs.mkdirSync(path.join(home, 'runs'));
  expect(storedPath(link, path.join(home, 'runs'))).toBe('runs');
  expect(storedPath(home, path.join(link, 'runs'))).toBe('runs');
  const id = filled(link);
  const [checkpoint] = testStore(home).checkpoints.list(id);
  expect(checkpoint!.path).toBe(checkpointDir(home, id, 5));
});

test('a copied or moved home knows its own checkpoints and datasets', () => {
  const home = path.join(tempDir(), 'home');
  const id = filled(home);
  expect(storedPaths(home)).toEqual([`runs/${id}/checkpoints/step-000005`, 'datasets/my_text']);
  const copy = path.join(tempDir(), 'copy');
  fs.cpSync(home, copy, { recursive: true });
  for (const place of [home, copy]) {
    const store = testStore(place);
    expect(store.checkpoints.list(id)[0]!.path).toBe(checkpointDir(place, id, 5));
    expect(store.datasets.get('my_text').path).toBe(path.join(place, 'datasets', 'my_text'));
  }
});

/** A store as it was before paths were relative. */
function olderStore(home: string, checkpoint: string, dataset: string): void {
  fs.rmSync(dbPath(home), { force: true });
  withDatabase(dbPath(home), (db) => {
    migrate(db, dbPath(home), 7);
    db.exec(`INSERT INTO runs (serial, id, name, state, createdAt, updatedAt, config, device)
      VALUES (3, 'old-otter-1234', 'old', 'stopped', 1, 1, '{}', 'cpu')`);
    db.prepare('INSERT INTO checkpoints (run, step, path, bytes, createdAt) VALUES (3, 5, ?, 1, 1)').run(checkpoint);
    db.prepare("INSERT INTO datasets VALUES ('my_text', ?, 'bytes', 1, 1, 1, 1, '{}')").run(dataset);
  });
}

test('absolute paths of older stores become relative, also where the home was moved since, and from another system', () => {
  const home = tempDir();
  const step = ['runs', 'old-otter-1234', 'checkpoints', 'step-000005'];
  for (const old of ['/somewhere/else', 'C:\\Users\\me\\Trainyard', home]) {
    const separator = old.includes('\\') ? '\\' : '/';
    olderStore(home, [old, ...step].join(separator), [old, 'datasets', 'my_text'].join(separator));
    openStore(home).close();
    expect(storedPaths(home), old).toEqual([step.join('/'), 'datasets/my_text']);
  }
});

test('paths outside of an older home stay as they are', () => {
  const home = tempDir();
  olderStore(home, '/mnt/archive/step-000005', '/mnt/archive/datasets/myXtext');
  openStore(home).close();
  expect(storedPaths(home)).toEqual(['/mnt/archive/step-000005', '/mnt/archive/datasets/myXtext']);
});
