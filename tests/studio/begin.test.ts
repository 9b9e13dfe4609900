import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { beginRun } from '../../electron/studio/run/begin.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { smallRun } from '../engine/run/harness.ts';
import { tempDir } from '../temp.ts';

it('a run is not made before all that its start waits for is there: it has a job as soon as it is', async () => {
  const home = tempDir();
  const file = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(file, 'she sells sea shells. '.repeat(300));
  const { name } = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
  const studio = Studio.open(home);
  onTestFinished(() => studio.shutdown());
  const estimate = studio.time.estimate.bind(studio.time);
  const runs: number[] = [];
  vi.spyOn(studio.time, 'estimate').mockImplementation(async (...asked) => {
    const report = await estimate(...asked);
    runs.push(studio.store.runs.list().length);
    return report;
  });
  const config = smallRun({
    dataset: name,
    model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 16 },
  });
  const { id } = await beginRun(studio, { config, name: 'n', preset: null });
  expect(runs).toEqual([0]);
  expect(studio.store.jobs.list()).toMatchObject([{ kind: 'train', run: id }]);
  expect(studio.store.events.list(id).map((e) => e.kind)).toContain('promise');
});
