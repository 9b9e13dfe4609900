import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { dbPath } from '../../../electron/studio/home.ts';
import type { MetricsRow } from '../../../electron/studio/store/index.ts';
import { migrate } from '../../../electron/studio/store/migrations.ts';
import { tempDir } from '../../temp.ts';
import { newRun, systemMetrics, testStore, withDatabase } from './helpers.ts';

/** Every hundredth step has what machine and GPU reported, as of steps of 30 ms. */
const rows = (from: number, to: number): MetricsRow[] =>
  Array.from({ length: to - from + 1 }, (_, i) => {
    const step = from + i;
    return {
      ...{ step, time: 1.8e12 + step, loss: 5 },
      ...(step % 100 === 0
        ? {
            ...{ cpuUtilization: 0.25, cpuTemperature: 60.5, cpuPower: 80, machineMemoryBytes: 2 ** 34 },
            ...{ gpuUtilization: step / 10_000, gpuTemperature: 70, gpuPower: 300.125, gpuMemoryBytes: 2 ** 33 },
          }
        : {}),
    };
  });

test('what machine and GPU report is kept at the steps that have it, and read in few points', () => {
  const store = testStore();
  const { id } = newRun(store);
  const writer = store.metrics.writer(id, { maxRows: 999 });
  for (const row of rows(1, 5000)) writer.add(row);
  writer.close();
  const [without, having] = store.metrics.read(id, { fromStep: 99, toStep: 100 });
  for (const name of systemMetrics) expect(without![name], name).toBeNull();
  expect(having).toMatchObject({
    cpuTemperature: 60.5,
    gpuUtilization: 0.01,
    gpuPower: 300.125,
    gpuMemoryBytes: 2 ** 33,
  });
  const every = store.metrics.series(id, 'gpuUtilization', { points: 5000 });
  expect(every).toHaveLength(50);
  expect(every[0]).toEqual({ step: 100, value: 0.01 });
  const few = store.metrics.measure(id, 'gpuUtilization', { points: 5 });
  expect(few.points.length).toBeLessThanOrEqual(12);
  expect(few.points[0]).toEqual({ step: 100, value: 0.01 });
  expect(few.points.at(-1)).toEqual({ step: 5000, value: 0.5 });
  // Of the steps that have it: 100 to 1000.
  expect(few.means[0]!.value).toBeCloseTo(0.055, 12);

  // What is trained again reports again.
  store.runs.truncateAfter(id, 250);
  expect(store.metrics.series(id, 'gpuPower').map((p) => p.step)).toEqual([100, 200]);
});

test('a home of before there were such figures opens, keeps its runs, and takes new ones', () => {
  const home = tempDir();
  const file = dbPath(home);
  const db = new Database(file);
  migrate(db, file, 12);
  db.prepare(
    "INSERT INTO runs (id, name, config, device, state, createdAt, updatedAt) VALUES ('old', 'old', '{}', 'cpu', 'completed', 1.7e12, 1.7e12)",
  ).run();
  const add = db.prepare('INSERT INTO metrics (run, step, loss, time) SELECT serial, ?, ?, ? FROM runs');
  for (let step = 1; step <= 40; step++) add.run(step, 5 - step / 100, 1.7e12 + step);
  expect(() => db.prepare('SELECT gpuPower FROM metrics').all()).toThrow(/no such column/);
  db.close();

  const store = testStore(home);
  const old = store.metrics.read('old');
  expect(old).toHaveLength(40);
  expect(old[39]).toMatchObject({ step: 40, loss: 4.6 });
  for (const name of systemMetrics) {
    expect(old.every((row) => row[name] === null)).toBe(true);
    expect(store.metrics.series('old', name)).toEqual([]);
  }
  const writer = store.metrics.writer('old');
  for (const row of rows(41, 200)) writer.add(row);
  writer.close();
  expect(store.metrics.series('old', 'gpuUtilization')).toEqual([
    { step: 100, value: 0.01 },
    { step: 200, value: 0.02 },
  ]);
  expect(store.metrics.series('old', 'loss', { points: 500 })).toHaveLength(200);
  expect(withDatabase(file, (d) => d.pragma('integrity_check', { simple: true }))).toBe('ok');
});
