import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { messageOf } from '../../electron/base/errors.ts';
import { prepareDataset } from '../../electron/data/index.ts';
import { parameterTable } from '../../electron/engine/models/index.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { tidyExport } from '../../electron/exchange/huggingFace/index.ts';
import { readSeries } from '../../electron/api/handlers/series.ts';
import { apart, exportModel, importModel } from '../../electron/studio/exchange.ts';
import { type EngineProcess, forkEngine, type SpawnEngine } from '../../electron/studio/run/engine.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { randomWeights, tiny, writeFolder } from '../exchange/huggingFace/model.ts';
import { tempDir } from '../temp.ts';

/** Large enough to be stopped in the middle: 85 MB in 40 tensors. */
const large = { ...tiny, nEmbd: 768, nLayer: 3, nHead: 12 };

const weightsOf = (model: typeof tiny): Map<string, Float32Array> =>
  new Map(
    parameterTable(model).map(({ name, fileShape }) => [
      name,
      new Float32Array(fileShape.reduce((a, b) => a * b, 1)).fill(0.5),
    ]),
  );

/** Engines that a test hears of: how many there were, and the last one. */
function watched(): { spawn: SpawnEngine; started: EngineProcess[] } {
  const started: EngineProcess[] = [];
  const spawn: SpawnEngine = (onMessage) => {
    const engine = forkEngine(onMessage);
    started.push(engine);
    return engine;
  };
  return { spawn, started };
}

function opened(home = tempDir(), spawn?: SpawnEngine): Studio {
  const studio = Studio.open(home, spawn);
  onTestFinished(() => studio.shutdown());
  return studio;
}

/** What is left of runs in a home: rows and folders. */
const left = (studio: Studio) => {
  const folder = path.join(studio.home, 'runs');
  return [studio.store.runs.list().length, fs.existsSync(folder) ? fs.readdirSync(folder) : []];
};

const caught = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it did not fail',
    (error: unknown) => messageOf(error),
  );

describe('files that windows ask for', () => {
  it('are read, checked and written in processes of their own, with progress', async () => {
    const { spawn, started } = watched();
    const studio = opened(tempDir(), spawn);
    const text = path.join(tempDir(), 'text.txt');
    fs.writeFileSync(text, 'how now brown cow. '.repeat(100));
    await prepareDataset({ home: studio.home, inputs: [text], tokenizer: 'bytes', name: 'cow' });
    studio.jobs.work();
    const done = async (id: number) => {
      await expect.poll(() => studio.jobs.get(id).endedAt).not.toBeNull();
      return studio.jobs.get(id);
    };
    const dir = await writeFolder(tiny, randomWeights(tiny, 1));
    const imported = await done(studio.jobs.submit('import', { dir, name: 'theirs' }).id);
    const tensors = parameterTable(tiny).length;
    const { id } = imported.result as { id: string };
    expect(imported).toMatchObject({ state: 'done', progress: { done: tensors, total: tensors, unit: 'tensors' } });
    expect(studio.store.runs.get(id)).toMatchObject({ name: 'theirs', state: 'completed' });
    expect(started).toHaveLength(1);
    const out = path.join(tempDir(), 'out');
    const exported = studio.jobs.submit('export', { id, step: 0, dir: out, dtype: 'f32', force: false });
    expect(await done(exported.id)).toMatchObject({ state: 'done', result: { dir: out }, progress: { done: tensors } });
    expect(started).toHaveLength(2);
    expect(fs.readFileSync(path.join(out, 'README.md'), 'utf8')).toContain('theirs');
    expect(fs.readdirSync(path.dirname(out))).toEqual(['out']);
    const again = await importModel(studio, out, 'again', { tokenizer: 'bytes' });
    expect(studio.runs.configOf(again.run).model).toEqual(studio.runs.configOf(studio.store.runs.get(id)).model);
    const shard = fs.readdirSync(path.join(studio.home, 'datasets', 'cow')).find((name) => name.includes('train'))!;
    fs.appendFileSync(path.join(studio.home, 'datasets', 'cow', shard), 'x');
    const verified = await done(studio.jobs.submit('verify', { name: 'cow' }).id);
    expect(verified).toMatchObject({ state: 'done', result: { files: 2, problems: [`${shard} was modified`] } });
    expect(started).toHaveLength(3);
  });

  it('fail with the very words that they fail with in the terminal', async () => {
    const studio = opened();
    const cut = await writeFolder(tiny, randomWeights(tiny, 1));
    fs.truncateSync(path.join(cut, 'model.safetensors'), 2000);
    for (const dir of [cut, path.join(tempDir(), 'nope'), tempDir()]) {
      const here = await caught(importModel(studio, dir));
      expect(await caught(importModel(studio, dir, undefined, {}, {}, apart(forkEngine)))).toBe(here);
      expect(left(studio)).toEqual([0, []]);
    }
    const { run } = await importModel(studio, await writeFolder(tiny, randomWeights(tiny, 1)), 'theirs');
    const taken = tempDir();
    fs.writeFileSync(path.join(taken, 'mine.txt'), 'mine');
    const here = await caught(exportModel(studio, run, 0, taken, { dtype: 'f32' }));
    expect(here).toMatch(/is not empty/);
    expect(await caught(exportModel(studio, run, 0, taken, { dtype: 'f32' }, {}, apart(forkEngine)))).toBe(here);
    expect(fs.readdirSync(taken)).toEqual(['mine.txt']);
  });

  it('that nobody wants any more end, and leave nothing', async () => {
    const { spawn, started } = watched();
    const studio = opened(tempDir(), spawn);
    const dir = await writeFolder(large, weightsOf(large));
    const stopping = () => {
      const controller = new AbortController();
      return { signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) };
    };
    await expect(importModel(studio, dir, 'theirs', {}, stopping(), apart(spawn))).rejects.toThrow('enough');
    expect(left(studio)).toEqual([0, []]);
    const { run } = await importModel(studio, dir, 'theirs');
    const folder = tempDir();
    const out = path.join(folder, 'out');
    const writing = exportModel(studio, run, 0, out, { dtype: 'f32' }, stopping(), apart(spawn));
    await expect(writing).rejects.toThrow('enough');
    expect(fs.readdirSync(folder)).toEqual([]);
    expect(started).toHaveLength(2);
    // Their processes are over, not only unheard.
    for (const engine of started) await expect(engine.exited).resolves.toBeDefined();
  });

  it('whose process is killed leave nothing either, and an earlier export stays', async () => {
    const studio = opened();
    const dir = await writeFolder(large, weightsOf(large));
    const { spawn, started } = watched();
    const killing = { onProgress: () => started.at(-1)!.kill() };
    const gone = /ended without an error message/;
    await expect(importModel(studio, dir, 'theirs', {}, killing, apart(spawn))).rejects.toThrow(gone);
    expect(left(studio)).toEqual([0, []]);
    const { run } = await importModel(studio, dir, 'theirs');
    const folder = tempDir();
    const out = path.join(folder, 'out');
    await exportModel(studio, run, 0, out, { dtype: 'bf16' });
    const bytes = fs.statSync(path.join(out, 'model.safetensors')).size;
    const again = exportModel(studio, run, 0, out, { dtype: 'f32', force: true }, killing, apart(spawn));
    await expect(again).rejects.toThrow(gone);
    expect(fs.readdirSync(folder)).toEqual(['out']);
    expect(fs.statSync(path.join(out, 'model.safetensors')).size).toBe(bytes);
  });

  it('killed between two renames get the earlier export back', async () => {
    const folder = tempDir();
    const [out, partial] = [path.join(folder, 'out'), path.join(folder, '.out.1.partial')];
    for (const dir of [partial, `${partial}.old`]) fs.mkdirSync(dir);
    fs.writeFileSync(path.join(`${partial}.old`, 'earlier'), '');
    await tidyExport(out, partial);
    expect(fs.readdirSync(folder)).toEqual(['out']);
    expect(fs.readdirSync(out)).toEqual(['earlier']);
  });
});

describe('a run of many steps', () => {
  function withSteps(count: number) {
    const studio = opened();
    const config = parseRunConfig({
      ...{ model: tiny, dataset: 'none', tokenizer: 'bytes', batch: 1, tokensPerStep: 8 },
      phases: [{ kind: 'constant', steps: count, from: 1e-3, to: 1e-3 }],
    });
    const { id } = studio.store.runs.create({ name: 'long', config, device: 'cpu' });
    const metrics = studio.store.metrics.writer(id, { maxRows: count });
    for (let step = 1; step <= count; step++)
      metrics.add({ step, time: step, loss: Math.sin(step), tokensSeen: 8 * step, skipped: 0 });
    metrics.close();
    studio.store.runs.setState(id, 'completed');
    studio.store.claims.release(id);
    return { studio, id };
  }

  /** How often others have a turn while something is done. */
  async function turns(work: Promise<unknown>): Promise<number> {
    let count = 0;
    let timer = setImmediate(function again() {
      count++;
      timer = setImmediate(again);
    });
    await work;
    clearImmediate(timer);
    return count;
  }

  it('is read for charts measure by measure, and others have their turn in between', async () => {
    const { studio, id } = withSteps(3000);
    const range = { points: 100, fromStep: 500 };
    const reading = readSeries(studio.store, id, 8, range);
    expect(await turns(reading)).toBeGreaterThanOrEqual(5);
    const { measures, means, lastStep, width } = await reading;
    const expected = studio.store.metrics.measure(id, 'loss', range);
    expect(Array.from(measures.loss.values)).toEqual(expected.points.map((p) => p.value));
    expect(Array.from(means.loss.steps)).toEqual(expected.means.map((p) => p.step));
    expect([lastStep, width]).toEqual([3000, expected.width]);
  });

  it('that goes on meanwhile ends at the same step in every measure', async () => {
    const { studio, id } = withSteps(100);
    const reading = readSeries(studio.store, id, 8, { points: 1000 });
    const metrics = studio.store.metrics.writer(id);
    metrics.add({ step: 101, time: 101, loss: 9 });
    metrics.close();
    const { measures, times, lastStep } = await reading;
    expect([measures.loss.steps.at(-1), times.steps.at(-1), lastStep]).toEqual([100, 100, 100]);
  });

  it('is deleted bit by bit, and wholly', async () => {
    const { studio, id } = withSteps(9000);
    const run = studio.store.runs.get(id);
    studio.runs.edit(run, { archived: true });
    expect(await turns(studio.runs.remove(studio.store.runs.get(id)))).toBeGreaterThanOrEqual(5);
    expect(studio.store.runs.has(id)).toBe(false);
    // Its number may be another run's: nothing of it may be there.
    const other = studio.store.runs.create({ name: 'other', config: run.config, device: 'cpu' });
    expect(studio.store.metrics.read(other.id, { fromStep: 0 })).toEqual([]);
    expect(studio.store.metrics.measure(other.id, 'loss').points).toEqual([]);
  });
});
