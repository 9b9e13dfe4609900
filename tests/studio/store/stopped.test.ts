import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { dbPath, runDir } from '../../../electron/studio/home.ts';
import { migrate } from '../../../electron/studio/store/migrations.ts';
import { openStore } from '../../../electron/studio/store/store.ts';
import { tempDir } from '../../temp.ts';
import { addTrainedRun } from './fullHome.ts';
import { newRun, testStore, withDatabase } from './helpers.ts';

test('a run that was stopped early is told from one that has trained all of its steps, until it goes on', () => {
  const store = testStore();
  const { id } = newRun(store);
  expect(store.runs.get(id).stoppedEarly).toBe(false);
  store.runs.setState(id, 'completed', 'stopped early at step 3 of 10', true);
  expect(store.runs.get(id)).toMatchObject({ state: 'completed', stoppedEarly: true });
  expect(store.runs.list()).toMatchObject([{ state: 'completed', stoppedEarly: true }]);
  store.runs.setState(id, 'training');
  expect(store.runs.get(id).stoppedEarly).toBe(false);
  store.runs.setState(id, 'completed', 'finished after 10 steps');
  expect(store.runs.get(id)).toMatchObject({ state: 'completed', stoppedEarly: false });
});

test('that a run was stopped early outlives its database', async () => {
  const home = tempDir();
  const store = openStore(home);
  const id = await addTrainedRun(store, home, 'early', 60);
  store.runs.setState(id, 'completed', 'stopped early at step 60 of 3,000', true);
  store.close();
  for (const suffix of ['', '-wal', '-shm']) fs.rmSync(dbPath(home) + suffix, { force: true });
  const again = openStore(home);
  expect(again.runs.get(id)).toMatchObject({ state: 'completed', stoppedEarly: true, step: 60 });
  again.close();
});

test('what an earlier version has called stopped is paused: in its database, in the files of runs, and while it still runs', async () => {
  const home = tempDir();
  withDatabase(dbPath(home), (db) => {
    migrate(db, dbPath(home), 11);
    db.exec(`INSERT INTO runs (id, name, state, createdAt, updatedAt, endedAt, config, device, message)
      VALUES ('old-otter-1234', 'old', 'stopped', 1, 1, 1, '{}', 'cpu', 'stopped at step 7, checkpoint saved')`);
  });
  const store = openStore(home);
  expect(store.runs.get('old')).toMatchObject({ state: 'paused', stoppedEarly: false });
  expect(store.runs.list({ state: 'paused' })).toHaveLength(1);
  const id = await addTrainedRun(store, home, 'filed', 60);
  store.close();
  withDatabase(dbPath(home), (db) => db.exec("UPDATE runs SET state = 'stopped' WHERE name = 'old'"));
  const other = openStore(home);
  expect(other.runs.get('old').state).toBe('paused');
  other.close();

  const record = path.join(runDir(home, id), 'run.json');
  const file = JSON.parse(fs.readFileSync(record, 'utf8')) as { run: Record<string, unknown> };
  const { stoppedEarly: _, ...run } = file.run;
  fs.writeFileSync(record, JSON.stringify({ ...file, run: { ...run, state: 'stopped' } }));
  for (const suffix of ['', '-wal', '-shm', '.backup']) fs.rmSync(dbPath(home) + suffix, { force: true });
  const adopted = openStore(home);
  expect(adopted.runs.get(id)).toMatchObject({ name: 'filed', state: 'paused', stoppedEarly: false });
  adopted.close();
});
