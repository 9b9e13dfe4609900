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
  for (const text of [run.id, run.id.slice(0, -1), 'stories']) expect(store.runs.get(text).id).toBe(run.id);
});

test('a name that several runs have, and one that none has, name those that may be meant', () => {
  const store = testStore();
  expect(() => store.runs.get('x')).toThrow(/there are no runs yet/);
  const [a, b] = [newRun(store, 'shakespeare').id, newRun(store, 'shakespeare').id];
  newRun(store, 'poems');
  expect(() => store.runs.get('shakespeare')).toThrow(UserError);
  for (const id of [a, b]) expect(() => store.runs.get('shakespeare')).toThrow(id);
  expect(() => store.runs.get('shakspeare')).toThrow(/did you mean.*shakespeare/);
  expect(() => store.runs.get('')).toThrow(/There is no run/);
  expect(() => store.runs.get('%')).toThrow(/There is no run/);
  expect(() => store.runs.setState('shakespeare', 'training')).toThrow(/There is no run/);
});

test('a name disturbs neither a terminal nor what stands beside it', () => {
  const store = testStore();
  const run = newRun(store, '  neg\u001b[31m\u202egnp.exe \n שלום 日本 @ 10 % 👩‍🔬\u2028');
  expect(run.name).toBe('neg [31m gnp.exe שלום 日本 @ 10 % 👩‍🔬');
  expect(store.runs.get('neg\u001b[31m\u202egnp.exe \n שלום 日本 @ 10 % 👩‍🔬').id).toBe(run.id);
  store.runs.update(run.id, { name: 'new\nname', tags: ['a\u202eb'] });
  expect(store.runs.get(run.id)).toMatchObject({ name: 'new name', tags: ['a b'] });
  store.runs.update(run.id, { name: '\u202e ' });
  expect(store.runs.get(run.id).name).toBe('new name');
  expect(newRun(store, '\u0000').name).toMatch(/^[a-z]+-[a-z]+-[0-9a-f]{4}$/);
});

test('several ids with the same beginning are listed', () => {
  const store = testStore();
  const ids = Array.from({ length: 60 }, () => newRun(store, 'a name').id);
  const letter = ids.map((id) => id[0]!).find((c, i, all) => all.indexOf(c) !== i)!;
  expect(() => store.runs.get(letter)).toThrow(/Several run IDs start with/);
});

test('runs are listed with the newest first, by state and whether archived', () => {
  const store = testStore();
  const [a, b, c] = [newRun(store).id, newRun(store).id, newRun(store).id];
  store.runs.update(a, { archived: true, name: 'old' });
  store.runs.setState(b, 'training');
  store.runs.setState(b, 'completed', 'all 10 steps');
  const ids = (filter?: Parameters<typeof store.runs.list>[0]) => store.runs.list(filter).map((r) => r.id);
  expect(ids()).toEqual([c, b, a]);
  expect(ids({ archived: false })).toEqual([c, b]);
  expect(ids({ archived: true })).toEqual([a]);
  expect(ids({ state: 'completed' })).toEqual([b]);
  expect(ids({ state: ['completed', 'preparing'] })).toEqual([c, b, a]);
  expect(store.runs.get(a)).toMatchObject({ name: 'old', archived: true });
  const done = store.runs.get(b);
  expect(done.message).toBe('all 10 steps');
  expect(done.endedAt).toBeGreaterThanOrEqual(done.startedAt!);
  store.runs.setState(b, 'training');
  expect(store.runs.get(b)).toMatchObject({ endedAt: null, message: null, startedAt: done.startedAt });
});

test('what is recorded of a run comes back, and cutting it leaves what came before', () => {
  const store = testStore();
  const { id } = newRun(store);
  for (const step of [0, 10, 20]) {
    store.evals.add(id, step, 'validation', step === 20 ? Number.NaN : 4 - step / 10, { tokens: 5 });
    store.samples.add(id, step, 'Once', 7, `text ${step}`);
    store.phases.add(id, step / 10, 'cosine', step);
    store.events.add(id, step, 'info', 'phase', 'm', { a: [1] });
  }
  store.evals.add(id, 10, 'hellaswag', 0.3);
  store.evals.add(id, 10, 'validation', 1, {}, 'other-text');
  expect(store.evals.list(id).map((e) => [e.step, e.kind, e.dataset, e.value])).toEqual([
    [0, 'validation', '', 4],
    [10, 'hellaswag', '', 0.3],
    [10, 'validation', '', 3],
    [10, 'validation', 'other-text', 1],
    [20, 'validation', '', Number.NaN],
  ]);
  expect(store.evals.list(id)[0]!.data).toEqual({ tokens: 5 });
  expect(store.runs.get(id).bestValLoss).toBe(3);
  store.runs.truncateAfter(id, 5);
  expect(store.runs.get(id).bestValLoss).toBe(4);
  expect(store.evals.list(id).map((e) => e.step)).toEqual([0]);
  expect(store.samples.list(id).map((s) => s.text)).toEqual(['text 0']);
  expect(store.phases.list(id)).toMatchObject([{ index: 0, kind: 'cosine', step: 0 }]);
  expect(store.events.list(id).map((e) => e.step)).toEqual([0, 10, 20]);
  expect(store.events.list(id)[1]!.data).toEqual({ a: [1] });
  store.runs.truncateAfter(id, -1);
  expect(store.evals.list(id)).toEqual([]);
  expect(store.runs.get(id).bestValLoss).toBeNull();
});

test('one checkpoint is the best, and one of the same step replaces the other', () => {
  const store = testStore();
  const { id } = newRun(store);
  store.checkpoints.add(id, { step: 500, path: path.resolve('a'), bytes: 1, best: true, valLoss: 3 });
  store.checkpoints.add(id, { step: 1000, path: path.resolve('b'), bytes: 2, best: true });
  store.checkpoints.add(id, { step: 1000, path: path.resolve('c'), bytes: 5e9, best: true, valLoss: 2 });
  store.checkpoints.keep(id, 500, true);
  expect(store.checkpoints.list(id)).toMatchObject([
    { step: 500, path: path.resolve('a'), valLoss: 3, best: false, kept: true },
    { step: 1000, path: path.resolve('c'), valLoss: 2, bytes: 5e9, best: true, kept: false },
  ]);
  store.checkpoints.remove(id, 500);
  expect(store.checkpoints.list(id).map((c) => c.step)).toEqual([1000]);
});

test('deleting a run takes all that is stored of it, and leaves the others', () => {
  const store = testStore();
  const [a, b] = [newRun(store).id, newRun(store).id];
  for (const id of [a, b]) {
    const writer = store.metrics.writer(id);
    writer.add({ step: 1, time: 1, loss: 2 });
    writer.close();
    store.events.add(id, 1, 'info', 'x', 'y');
  }
  expect(() => store.runs.delete(a)).toThrow(/stop it first/);
  store.claims.release(a);
  store.runs.delete(a);
  expect(() => store.runs.get(a)).toThrow(UserError);
  expect(() => store.metrics.series(a, 'loss')).toThrow(UserError);
  expect(store.metrics.series(b, 'loss')).toEqual([{ step: 1, value: 2 }]);
});

test('datasets are stored under their names', () => {
  const store = testStore();
  const dataset = { name: 'shakespeare', path: 'p', tokenizer: 'bytes', trainTokens: 10, valTokens: 1, bytes: 22 };
  store.datasets.upsert(dataset);
  store.datasets.upsert({ ...dataset, trainTokens: 13_500_000_000, data: { sources: ['a.txt'] } });
  expect(store.datasets.list()).toHaveLength(1);
  expect(store.datasets.get('shakespeare')).toMatchObject({ trainTokens: 13.5e9, data: { sources: ['a.txt'] } });
  expect(() => store.datasets.get('shakespear')).toThrow(/did you mean shakespeare/);
  store.datasets.remove('shakespeare');
  expect(store.datasets.list()).toEqual([]);
});
