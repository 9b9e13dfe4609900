import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { exportModel, importModel } from '../../electron/studio/exchange.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { runCli, startCli } from '../cli/run.ts';
import { hasPs } from '../cli/processes.ts';
import { canMount, smallDisk } from '../cli/fullDisk.ts';
import { oneLineOf, until } from '../cli/workplace.ts';
import { randomWeights, tiny, writeFolder } from '../exchange/huggingFace/model.ts';
import { tempDir } from '../temp.ts';
import { lack, where } from '../frame/needs.ts';

function opened(home = tempDir()): Studio {
  const studio = Studio.open(home);
  onTestFinished(() => studio.close());
  return studio;
}

/** What is left of runs in a home: rows and folders. */
const left = (studio: Studio) => {
  const folder = path.join(studio.home, 'runs');
  return [studio.store.runs.list().length, fs.existsSync(folder) ? fs.readdirSync(folder) : []];
};

const folderWith = (value: number) => {
  const weights = randomWeights(tiny, 1);
  weights.get('h.1.mlp.c_proj.bias')![1] = value;
  return writeFolder(tiny, weights);
};

async function text(home: string) {
  const file = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(file, 'the quick brown fox jumps over the lazy dog. '.repeat(100));
  return (await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' })).name;
}

const configFrom = (dataset: string, run: string) =>
  parseRunConfig({
    ...{ model: tiny, dataset, tokenizer: 'bytes', batch: 1, tokensPerStep: 8 },
    init: { run, step: 0 },
    phases: [{ kind: 'constant', steps: 3, from: 1e-3, to: 1e-3 }],
    device: { kind: 'cpu', threads: 1 },
  });

describe('an import that fails', () => {
  it.each([
    ['a weight that is no number', () => folderWith(Number.NaN), /h\.1\.mlp\.c_proj\.bias.*NaN|NaN.*c_proj/i],
    [
      'a missing tensor',
      () => writeFolder(tiny, randomWeights(tiny, 1), { change: (e) => e.slice(1) }),
      /lacks the tensor/,
    ],
    [
      'a file that was cut off',
      async () => {
        const dir = await folderWith(0);
        fs.truncateSync(path.join(dir, 'model.safetensors'), 2000);
        return dir;
      },
      /model\.safetensors/,
    ],
    ['no folder', async () => path.join(tempDir(), 'nope'), /nope/],
  ] as const)('of %s says so, and no run is left', async (_, folder, cause) => {
    const studio = opened();
    const dir = await folder();
    await expect(importModel(studio, dir, 'theirs')).rejects.toThrow(cause);
    expect(left(studio)).toEqual([0, []]);
    const { code, stderr } = await runCli(['--home', studio.home, 'import', dir]);
    expect(code).toBe(1);
    expect(oneLineOf(stderr)).toMatch(cause);
    expect(left(studio)).toEqual([0, []]);
  });

  it('as what is known of it can’t be stored leaves no files either', async () => {
    const studio = opened();
    const dir = await folderWith(0);
    const fails = vi.spyOn(studio.store.runs, 'setState').mockImplementation(() => {
      throw new Error('the database is full');
    });
    await expect(importModel(studio, dir, 'theirs')).rejects.toThrow('the database is full');
    fails.mockRestore();
    expect(left(studio)).toEqual([0, []]);
    expect((await importModel(studio, dir, 'theirs')).run).toMatchObject({ state: 'completed', pid: null });
  });

  where(it, [canMount, lack.mount])('for want of room on the disk says that', async () => {
    const disk = await smallDisk(3000);
    const shape = { ...tiny, nEmbd: 128, nLayer: 6 };
    const dir = await writeFolder(shape, randomWeights(shape, 1));
    const { code, stderr } = await runCli(['--home', disk.dir, 'import', dir], {}, disk.via);
    expect([code, oneLineOf(stderr)]).toEqual([1, expect.stringMatching(/ENOSPC|too little free space/)]);
    expect(fs.readdirSync(path.join(disk.outside, 'runs'))).toEqual([]);
  });

  it('can be stopped in the middle', async () => {
    const studio = opened();
    const dir = await folderWith(0);
    const controller = new AbortController();
    const importing = importModel(studio, dir, 'theirs', {}, { signal: controller.signal });
    controller.abort();
    await expect(importing).rejects.toThrow(/abort/i);
    expect(left(studio)).toEqual([0, []]);
  });

  where(it, [hasPs, lack.ps])('because of Ctrl-C ends with 130 and leaves nothing', async () => {
    const shape = { ...tiny, nEmbd: 384, nLayer: 6 };
    const weights = randomWeights(shape, 1);
    const dir = await writeFolder(shape, weights);
    const home = tempDir();
    const runs = path.join(home, 'runs');
    const importing = startCli(['--home', home, 'import', dir]);
    await until(() => fs.existsSync(runs) && fs.readdirSync(runs).length > 0);
    importing.child.kill('SIGINT');
    const { code, stderr } = await importing.result;
    expect([code, stderr]).toEqual([130, 'trainyard: stopped\n']);
    expect(left(opened(home))).toEqual([0, []]);
  });
});

describe('a run from another one’s weights', () => {
  it('that are gone is not made, and the cause is said', async () => {
    const studio = opened();
    const { run: parent } = await importModel(studio, await folderWith(0), 'theirs');
    const dataset = await text(studio.home);
    fs.rmSync(path.join(studio.checkpoints.rootOf(parent), 'step-000000', 'model.safetensors'));
    const before = left(studio);
    await expect(studio.runs.create(configFrom(dataset, parent.id), 'mine')).rejects.toThrow(
      /weights of .*can't be copied/,
    );
    expect(left(studio)).toEqual(before);
  });

  it('is listed once they are there, copied where no link can be made; nobody waits meanwhile', async () => {
    const studio = opened();
    const { run: parent } = await importModel(studio, await folderWith(0), 'theirs');
    const dataset = await text(studio.home);
    const link = vi.spyOn(fs.promises, 'link').mockRejectedValue(Object.assign(new Error('EXDEV'), { code: 'EXDEV' }));
    const copying = Promise.withResolvers<true>();
    const free = Promise.withResolvers<true>();
    const { copyFile } = fs.promises;
    const copy = vi.spyOn(fs.promises, 'copyFile').mockImplementation(async (...args) => {
      copying.resolve(true);
      await free.promise;
      return copyFile(...args);
    });
    onTestFinished(() => [link, copy].forEach((spy) => spy.mockRestore()));
    const making = studio.runs.create(configFrom(dataset, parent.id), 'mine');
    await copying.promise;
    expect(studio.store.runs.list().map((r) => r.name)).toEqual(['theirs']);
    free.resolve(true);
    const { id } = await making;
    const weights = (...at: string[]) => fs.readFileSync(path.join(studio.home, 'runs', ...at));
    const own = weights(parent.id, 'checkpoints', 'step-000000', 'model.safetensors');
    expect(weights(id, 'initial', 'model.safetensors').equals(own)).toBe(true);
  });

  it('begins with them, and keeps them when that one’s checkpoint is deleted', async () => {
    const studio = opened();
    const { run: parent } = await importModel(studio, await folderWith(0), 'theirs');
    const dataset = await text(studio.home);
    const run = await studio.runs.create(configFrom(dataset, parent.id), 'mine');
    expect(studio.store.events.list(run.id)).toMatchObject([{ kind: 'begun' }]);
    await studio.checkpoints.remove(parent, 0);
    expect(await studio.training.start(run).ended).toMatchObject({ state: 'completed' });
  });

  it('that can’t be started is not left behind', async () => {
    const studio = opened();
    const { run: parent } = await importModel(studio, await folderWith(0), 'theirs');
    const dataset = await text(studio.home);
    const run = await studio.runs.create(configFrom(dataset, parent.id), 'mine');
    fs.rmSync(path.join(studio.home, 'runs', run.id, 'initial'), { recursive: true });
    expect(() => studio.training.start(run)).toThrow(/initial weights of the run .* are missing/);
    expect(studio.store.runs.list().map((r) => r.id)).toEqual([parent.id]);
    expect(fs.readdirSync(path.join(studio.home, 'runs'))).toEqual([parent.id]);
  });
});

it('an export that is stopped leaves nothing of it', async () => {
  const studio = opened();
  const { run } = await importModel(studio, await folderWith(0), 'theirs');
  const dir = tempDir();
  const controller = new AbortController();
  const exporting = exportModel(studio, run, 0, path.join(dir, 'out'), { dtype: 'f32' }, { signal: controller.signal });
  controller.abort();
  await expect(exporting).rejects.toThrow(/abort/i);
  expect(fs.readdirSync(dir)).toEqual([]);
});
