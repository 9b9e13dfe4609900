import path from 'node:path';
import { expect, test } from 'vitest';
import { UserError } from '../../../electron/base/errors.ts';
import { newRun, testStore } from './helpers.ts';

test('a run is found by its id, by the beginning of it, and by its name', () => {
  const store = testStore();
  const run = newRun(store, 'stories');
  newRun(store, 'other');
  expect(run).toMatchObject({ name: 'stories', state: 'preparing', config: { seed: 1 }, step: 0, archived: false });
  expect(run.id).toMatch(/^[a-z]+-[a-z]+-[0-9a-f]{4}$/);
  for (const text of [run.id, run.id.slice(0, -1), 'stories']) expect(store.getRun(text).id).toBe(run.id);
});

test('a name that several runs have, and one that none has, name those that may be meant', () => {
  const store = testStore();
  expect(() => store.getRun('x')).toThrow(/there are no runs yet/);
  const [a, b] = [newRun(store, 'shakespeare').id, newRun(store, 'shakespeare').id];
  newRun(store, 'poems');
  expect(() => store.getRun('shakespeare')).toThrow(UserError);
  for (const id of [a, b]) expect(() => store.getRun('shakespeare')).toThrow(id);
  expect(() => store.getRun('shakspeare')).toThrow(/did you mean.*shakespeare/);
  expect(() => store.getRun('')).toThrow(/There is no run/);
  expect(() => store.getRun('%')).toThrow(/There is no run/);
  expect(() => store.setRunState('shakespeare', 'training')).toThrow(/There is no run/);
});

test('a name disturbs neither a terminal nor what stands beside it', () => {
  const store = testStore();
  const run = newRun(store, '  neg\u001b[31m\u202egnp.exe \n שלום 日本 @ 10 % 👩‍🔬\u2028');
  expect(run.name).toBe('neg [31m gnp.exe שלום 日本 @ 10 % 👩‍🔬');
  expect(store.getRun('neg\u001b[31m\u202egnp.exe \n שלום 日本 @ 10 % 👩‍🔬').id).toBe(run.id);
  store.updateRun(run.id, { name: 'new\nname', tags: ['a\u202eb'] });
  expect(store.getRun(run.id)).toMatchObject({ name: 'new name', tags: ['a b'] });
  store.updateRun(run.id, { name: '\u202e ' });
  expect(store.getRun(run.id).name).toBe('new name');
  expect(newRun(store, '\u0000').name).toMatch(/^[a-z]+-[a-z]+-[0-9a-f]{4}$/);
});

test('several ids with the same beginning are listed', () => {
  const store = testStore();
  const ids = Array.from({ length: 60 }, () => newRun(store, 'a name').id);
  const letter = ids.map((id) => id[0]!).find((c, i, all) => all.indexOf(c) !== i)!;
  expect(() => store.getRun(letter)).toThrow(/Several run IDs start with/);
});

test('runs are listed with the newest first, by state and whether archived', () => {
  const store = testStore();
  const [a, b, c] = [newRun(store).id, newRun(store).id, newRun(store).id];
  store.updateRun(a, { archived: true, name: 'old' });
  store.setRunState(b, 'training');
  store.setRunState(b, 'completed', 'all 10 steps');
  const ids = (filter?: Parameters<typeof store.listRuns>[0]) => store.listRuns(filter).map((r) => r.id);
  expect(ids()).toEqual([c, b, a]);
  expect(ids({ archived: false })).toEqual([c, b]);
  expect(ids({ archived: true })).toEqual([a]);
  expect(ids({ state: 'completed' })).toEqual([b]);
  expect(ids({ state: ['completed', 'preparing'] })).toEqual([c, b, a]);
  expect(store.getRun(a)).toMatchObject({ name: 'old', archived: true });
  const done = store.getRun(b);
  expect(done.message).toBe('all 10 steps');
  expect(done.endedAt).toBeGreaterThanOrEqual(done.startedAt!);
  store.setRunState(b, 'training');
  expect(store.getRun(b)).toMatchObject({ endedAt: null, message: null, startedAt: done.startedAt });
});

test('what is recorded of a run comes back, and cutting it leaves what came before', () => {
  const store = testStore();
  const { id } = newRun(store);
  for (const step of [0, 10, 20]) {
    store.addEval(id, step, 'validation', step === 20 ? Number.NaN : 4 - step / 10, { tokens: 5 });
    store.addSample(id, step, 'Once', 7, `text ${step}`);
    store.addPhase(id, step / 10, 'cosine', step);
    store.addEvent(id, step, 'info', 'phase', 'm', { a: [1] });
  }
  store.addEval(id, 10, 'hellaswag', 0.3);
  store.addEval(id, 10, 'validation', 1, {}, 'other-text');
  expect(store.listEvals(id).map((e) => [e.step, e.kind, e.dataset, e.value])).toEqual([
    [0, 'validation', '', 4],
    [10, 'hellaswag', '', 0.3],
    [10, 'validation', '', 3],
    [10, 'validation', 'other-text', 1],
    [20, 'validation', '', Number.NaN],
  ]);
  expect(store.listEvals(id)[0]!.data).toEqual({ tokens: 5 });
  expect(store.getRun(id).bestValLoss).toBe(3);
  store.truncateAfter(id, 5);
  expect(store.getRun(id).bestValLoss).toBe(4);
  expect(store.listEvals(id).map((e) => e.step)).toEqual([0]);
  expect(store.listSamples(id).map((s) => s.text)).toEqual(['text 0']);
  expect(store.listPhases(id)).toMatchObject([{ index: 0, kind: 'cosine', step: 0 }]);
  expect(store.listEvents(id).map((e) => e.step)).toEqual([0, 10, 20]);
  expect(store.listEvents(id)[1]!.data).toEqual({ a: [1] });
  store.truncateAfter(id, -1);
  expect(store.listEvals(id)).toEqual([]);
  expect(store.getRun(id).bestValLoss).toBeNull();
});

test('one checkpoint is the best, and one of the same step replaces the other', () => {
  const store = testStore();
  const { id } = newRun(store);
  store.addCheckpoint(id, { step: 500, path: path.resolve('a'), bytes: 1, best: true, valLoss: 3 });
  store.addCheckpoint(id, { step: 1000, path: path.resolve('b'), bytes: 2, best: true });
  store.addCheckpoint(id, { step: 1000, path: path.resolve('c'), bytes: 5e9, best: true, valLoss: 2 });
  store.keepCheckpoint(id, 500, true);
  expect(store.listCheckpoints(id)).toMatchObject([
    { step: 500, path: path.resolve('a'), valLoss: 3, best: false, kept: true },
    { step: 1000, path: path.resolve('c'), valLoss: 2, bytes: 5e9, best: true, kept: false },
  ]);
  store.removeCheckpoint(id, 500);
  expect(store.listCheckpoints(id).map((c) => c.step)).toEqual([1000]);
});

test('deleting a run takes all that is stored of it, and leaves the others', () => {
  const store = testStore();
  const [a, b] = [newRun(store).id, newRun(store).id];
  for (const id of [a, b]) {
    const writer = store.metricsWriter(id);
    writer.add({ step: 1, time: 1, loss: 2 });
    writer.close();
    store.addEvent(id, 1, 'info', 'x', 'y');
  }
  expect(() => store.deleteRun(a)).toThrow(/stop it first/);
  store.releaseRun(a);
  store.deleteRun(a);
  expect(() => store.getRun(a)).toThrow(UserError);
  expect(() => store.readSeries(a, 'loss')).toThrow(UserError);
  expect(store.readSeries(b, 'loss')).toEqual([{ step: 1, value: 2 }]);
});

test('datasets are stored under their names', () => {
  const store = testStore();
  const dataset = { name: 'shakespeare', path: 'p', tokenizer: 'bytes', trainTokens: 10, valTokens: 1, bytes: 22 };
  store.upsertDataset(dataset);
  store.upsertDataset({ ...dataset, trainTokens: 13_500_000_000, data: { sources: ['a.txt'] } });
  expect(store.listDatasets()).toHaveLength(1);
  expect(store.getDataset('shakespeare')).toMatchObject({ trainTokens: 13.5e9, data: { sources: ['a.txt'] } });
  expect(() => store.getDataset('shakespear')).toThrow(/did you mean shakespeare/);
  store.removeDataset('shakespeare');
  expect(store.listDatasets()).toEqual([]);
});
