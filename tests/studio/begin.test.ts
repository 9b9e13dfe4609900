import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { UserError } from '../../electron/base/errors.ts';
import { beginRun } from '../../electron/studio/run/begin.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { smallRun } from '../engine/run/harness.ts';
import { tempDir } from '../temp.ts';

async function opened() {
  const home = tempDir();
  const file = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(file, 'she sells sea shells. '.repeat(300));
  const { name } = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
  const studio = Studio.open(home);
  onTestFinished(() => studio.shutdown());
  const config = smallRun({
    dataset: name,
    model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 16 },
    phases: [{ kind: 'constant', steps: 1_000_000, from: 1e-3, to: 1e-3 }],
  });
  return { studio, begin: { config, name: 'n', preset: null } };
}

it('a run is not made before all that its start waits for is there: it has a job as soon as it is', async () => {
  const { studio, begin } = await opened();
  const estimate = studio.time.estimate.bind(studio.time);
  const runs: number[] = [];
  vi.spyOn(studio.time, 'estimate').mockImplementation(async (...asked) => {
    const report = await estimate(...asked);
    runs.push(studio.store.runs.list().length);
    return report;
  });
  const { id } = await beginRun(studio, begin);
  expect(runs).toEqual([0]);
  expect(studio.store.jobs.list()).toMatchObject([{ kind: 'train', run: id, state: 'running' }]);
  expect(studio.store.events.list(id).map((e) => e.kind)).toContain('promise');
});

it('a request that is repeated is answered with the run that it has made, also while it makes it', async () => {
  const { studio, begin } = await opened();
  const ask = (requestKey: string) => beginRun(studio, begin, { requestKey });
  const [first, second] = await Promise.all([ask('a'), ask('a')]);
  expect(second).toEqual(first);
  expect(await ask('a')).toEqual(first);
  const other = await ask('b');
  expect(other).toMatchObject({ queued: true });
  expect(await ask('b')).toEqual(other);
  expect(studio.store.runs.list().map(({ id }) => id)).toEqual([other.id, first.id]);
  // What was refused may be asked for again.
  const wrong = { ...begin, config: { ...begin.config, dataset: 'none' } };
  await expect(beginRun(studio, wrong, { requestKey: 'c' })).rejects.toThrow('none');
  expect((await ask('c')).queued).toBe(true);
});

it('a run that can’t be started leaves neither itself nor its job', async () => {
  const { studio, begin } = await opened();
  vi.spyOn(studio.checkpoints, 'rootOf').mockImplementation(() => {
    throw new UserError('The folder can’t be written.');
  });
  await expect(beginRun(studio, begin)).rejects.toThrow('The folder');
  expect([studio.store.runs.list(), studio.store.jobs.list()]).toEqual([[], []]);
});
