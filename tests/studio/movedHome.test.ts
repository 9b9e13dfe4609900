import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { checkpointDir } from '../../electron/studio/home.ts';
import { importModel } from '../../electron/studio/exchange.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { remains, startUntil, workplace } from '../cli/workplace.ts';
import { randomWeights, tiny, writeFolder } from '../exchange/huggingFace/model.ts';
import { linux, where } from '../frame/needs.ts';
import { tempDir } from '../temp.ts';

where(it, linux)('a run whose home is moved ends saved in it, and the old place stays empty', async () => {
  const { home, train } = workplace();
  const moved = `${home}-moved`;
  const running = await startUntil(train({ '--steps': 1e6, '--checkpoint-every': 50, '--eval-every': 0 }), 5);
  fs.renameSync(home, moved);
  const { code, stdout, stderr } = await running.result;
  expect([code, fs.existsSync(home)]).toEqual([1, false]);
  expect(stdout + stderr).toContain(`${home} was moved to ${moved} while the run trained`);
  const { run, checkpoints, folders, events } = remains(moved);
  expect(run.state).toBe('failed');
  expect(run.message).toContain(`trainyard --home ${moved} resume ${run.id}`);
  expect(events.at(-1)).toMatchObject({ level: 'error', message: run.message });
  expect(folders.at(-1)).toBe(`step-${String(run.step).padStart(6, '0')}`);
  expect(fs.existsSync(checkpoints.at(-1)!.path)).toBe(true);
  const again = await startUntil(['--home', moved, 'resume', run.id, '--json'], run.step + 1);
  again.child.kill('SIGINT');
  expect((await again.result).code).toBe(0);
});

it('a studio whose home was moved makes nothing at the old place, and says so', async () => {
  const home = path.join(tempDir(), 'home');
  const text = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(text, 'the quick brown fox jumps over the lazy dog. '.repeat(100));
  const model = await writeFolder(tiny, randomWeights(tiny, 1));
  const studio = Studio.open(home);
  onTestFinished(() => studio.close());
  const { name } = await prepareDataset({ home, inputs: [text], tokenizer: 'bytes' });
  const config = parseRunConfig({
    ...{ model: tiny, dataset: name, tokenizer: 'bytes', batch: 1, tokensPerStep: 8 },
    phases: [{ kind: 'constant', steps: 3, from: 1e-3, to: 1e-3 }],
    device: { kind: 'cpu', threads: 1 },
  });
  const run = await studio.runs.create(config, 'r');
  studio.store.claims.release(run.id);
  // It has trained.
  studio.store.checkpoints.add(run.id, { step: 1, path: checkpointDir(home, run.id, 1), bytes: 1, best: false });
  fs.renameSync(home, `${home}-moved`);
  const gone = /The data folder .* was moved or removed while Trainyard was running: .*--home/;
  await expect(studio.runs.create(config, 'other')).rejects.toThrow(gone);
  await expect(studio.training.resume(run)).rejects.toThrow(gone);
  await expect(importModel(studio, model)).rejects.toThrow(gone);
  expect(() => studio.datasets.prepare({ inputs: [text], tokenizer: 'bytes' })).toThrow(gone);
  studio.store.runs.update(run.id, { notes: 'kept' });
  studio.close();
  expect(fs.existsSync(home)).toBe(false);
  expect(remains(`${home}-moved`).run.notes).toBe('kept');
});
