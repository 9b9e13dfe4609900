import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { prepareDataset } from '../../../electron/data/index.ts';
import { parseRunConfig, type RunConfigInput } from '../../../electron/engine/run/config.ts';
import { packageFile } from '../../../electron/base/paths.ts';
import { writeSettings } from '../../../electron/studio/settings.ts';
import { Studio } from '../../../electron/studio/studio.ts';
import { hasCpu } from '../../engine/devices.ts';
import { lack, where } from '../../frame/needs.ts';
import { tempDir } from '../../temp.ts';

function open(home = tempDir()): Studio {
  const studio = Studio.open(home);
  onTestFinished(() => studio.shutdown());
  return studio;
}

function textFile(sentence = 'how now brown cow. ', times = 300): string {
  const file = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(file, sentence.repeat(times));
  return file;
}

const ended = (studio: Studio, id: number) =>
  expect.poll(() => studio.jobs.get(id)).toMatchObject({ endedAt: expect.any(Number) as number });

const tokenize = (studio: Studio, name: string) =>
  studio.jobs.submit('tokenize', { paths: [textFile(`${name} and so on. `)], tokenizer: 'bytes', name });

describe('a job', () => {
  it('is a record that another process sees, done by the process that works through the queue', async () => {
    const studio = open();
    const { id } = tokenize(studio, 'cow');
    expect(studio.jobs.get(id)).toMatchObject({ state: 'queued', title: 'Tokenize text.txt as cow', attempts: 0 });
    const other = open(studio.home);
    other.jobs.work();
    await ended(studio, id);
    expect(studio.jobs.get(id)).toMatchObject({
      state: 'done',
      pid: null,
      result: { name: 'cow' },
      progress: { unit: 'bytes' },
    });
    const check = studio.jobs.submit('verify', { name: 'cow' });
    await ended(studio, check.id);
    expect(studio.jobs.get(check.id)).toMatchObject({ state: 'done', result: { files: 2, problems: [] } });
    expect(studio.jobs.list().map((job) => job.id)).toEqual([check.id, id]);
    studio.store.jobs.forget();
    expect(studio.jobs.list()).toEqual([]);
  });

  it('that fails says why, and is refused at once where that is known', async () => {
    const studio = open();
    studio.jobs.work();
    const { id } = studio.jobs.submit('tokenize', { paths: [path.join(studio.home, 'nope.txt')], tokenizer: 'bytes' });
    await ended(studio, id);
    expect(studio.jobs.get(id)).toMatchObject({
      state: 'failed',
      message: expect.stringMatching(/nope\.txt/) as string,
    });
    expect(() => studio.jobs.submit('verify', { name: 'none' })).toThrow('There is no dataset "none".');
    expect(() => studio.jobs.get(99)).toThrow('There is no job 99');
    expect(() => studio.jobs.cancel(99)).toThrow('There is no job 99');
  });

  it('waits for those before it, in an order that can be changed, and can be cancelled', async () => {
    const studio = open();
    const [one, two, three] = ['one', 'two', 'three'].map((name) => tokenize(studio, name).id) as [
      number,
      number,
      number,
    ];
    const order = () => studio.jobs.list().map((job) => job.id);
    expect(order()).toEqual([one, two, three]);
    studio.jobs.move(three, one);
    studio.jobs.move(one, null);
    expect(order()).toEqual([three, two, one]);
    studio.jobs.cancel(two);
    expect(studio.jobs.get(two).state).toBe('cancelled');
    expect(() => studio.jobs.move(two, one)).toThrow(`The job ${two} is not queued`);
    expect(() => studio.jobs.move(one, two)).toThrow(`The job ${two} is not queued`);
    studio.jobs.work();
    await ended(studio, one);
    const [first, last] = [studio.jobs.get(three), studio.jobs.get(one)];
    expect([first.state, last.state]).toEqual(['done', 'done']);
    expect(first.endedAt!).toBeLessThanOrEqual(last.startedAt!);
  });

  it('whose process is killed begins again in the next, three times at most', async () => {
    const { home } = open();
    const killed = async () => {
      const program = `import { Studio } from ${JSON.stringify(packageFile('electron/studio/studio.ts'))};
        const studio = Studio.open(${JSON.stringify(home)});
        const [job] = studio.store.jobs.list({ state: 'queued' });
        studio.store.jobs.take(job.id, true, () => true);
        console.log('taken');
        setInterval(() => {}, 1000);`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
      return studio.jobs.list()[0];
    };
    const studio = open(home);
    const { id } = tokenize(studio, 'cow');
    expect(await killed()).toMatchObject({
      ...{ id, state: 'queued', attempts: 1 },
      message: expect.stringMatching(/crashed or was killed; queued again/) as string,
    });
    expect(await killed()).toMatchObject({ state: 'queued', attempts: 2 });
    expect(await killed()).toMatchObject({ id, state: 'failed', attempts: 3 });
    const { id: again } = tokenize(studio, 'calf');
    await killed();
    studio.jobs.work();
    await ended(studio, again);
    expect(studio.jobs.get(again)).toMatchObject({ state: 'done', attempts: 2 });
  });

  it('goes on in the next process where this one is closed', async () => {
    const home = tempDir();
    const studio = Studio.open(home);
    studio.jobs.work();
    // No word of it comes twice: no tokenizer is done with it before the studio is closed.
    const file = textFile(randomBytes(15_000_000).toString('base64'), 1);
    const { id } = studio.jobs.submit('tokenize', { paths: [file], tokenizer: 'gpt2', name: 'long' });
    await expect.poll(() => studio.jobs.get(id).progress).not.toBeNull();
    await studio.shutdown();
    const next = open(home);
    expect(next.jobs.get(id)).toMatchObject({ state: 'queued', pid: null });
    next.jobs.work();
    await ended(next, id);
    expect(next.jobs.get(id)).toMatchObject({ state: 'done', result: { name: 'long' } });
  });
});

where(describe, [hasCpu, lack.cpu])('a run in the queue', () => {
  const model = { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 16 };

  async function withData() {
    const studio = open();
    const { name: dataset } = await prepareDataset({ home: studio.home, inputs: [textFile()], tokenizer: 'bytes' });
    const config = (steps: number, changes: Partial<RunConfigInput> = {}) =>
      parseRunConfig({
        ...{ model, dataset, tokenizer: 'bytes', batch: 2, tokensPerStep: 32 },
        phases: [{ kind: 'constant', steps, from: 1e-3, to: 1e-3 }],
        evaluation: { every: 0, sequences: 2 },
        sampling: { tokens: 0 },
        device: { kind: 'cpu' },
        ...changes,
      });
    const stateOf = (id: string) => studio.store.runs.get(id).state;
    return { studio, config, stateOf };
  }

  it('trains when the one before it has ended', async () => {
    const { studio, config, stateOf } = await withData();
    studio.jobs.work();
    const first = await studio.runs.create(config(1_000_000), 'first');
    const handle = studio.training.start(first);
    const second = await studio.runs.createQueued(config(3), 'second');
    expect(studio.jobs.list()).toMatchObject([
      { kind: 'train', run: first.id, state: 'running' },
      { kind: 'train', run: second.id, state: 'queued', title: 'Train second' },
    ]);
    expect(second).toMatchObject({ state: 'queued', pid: null });
    expect(() => studio.runs.enqueue(second)).toThrow('queued already');
    handle.pause();
    await expect.poll(() => stateOf(second.id)).toBe('completed');
    expect(stateOf(first.id)).toBe('paused');
    expect(studio.jobs.list().map(({ run, state }) => [run, state])).toEqual([
      [second.id, 'done'],
      [first.id, 'paused'],
    ]);
  });

  it('has failed and says why where it can’t be started in its turn', async () => {
    const { studio, config } = await withData();
    const run = await studio.runs.createQueued(config(3), 'gone');
    fs.rmSync(path.join(studio.home, 'datasets'), { recursive: true });
    studio.jobs.work();
    const { id } = studio.jobs.list()[0]!;
    await ended(studio, id);
    const { state, message } = studio.jobs.get(id);
    expect([state, message]).toEqual(['failed', expect.stringContaining('dataset')]);
    expect(studio.store.runs.get(run.id)).toMatchObject({ state: 'failed', message, pid: null });
    expect(studio.store.events.list(run.id).at(-1)).toMatchObject({ level: 'error', kind: 'failed', message });
  });

  it('is made once where it follows a text and the studio is killed before it starts, and trains', async () => {
    for (const queued of [false, true]) {
      const { studio, config } = await withData();
      const { home } = studio;
      const input = {
        ...{ paths: [textFile()], tokenizer: 'bytes', name: 'later' },
        train: { config: config(3, { dataset: 'text-to-come' }), name: 'after', preset: null, standIn: 'text-to-come' },
      } as const;
      const job = studio.jobs.submit('tokenize', input as never);
      const other = queued ? await studio.runs.create(config(1_000_000), 'other') : undefined;
      const before = other && studio.training.start(other);
      // A studio that is killed as it has stored the run.
      const program = `import { Studio } from ${JSON.stringify(packageFile('electron/studio/studio.ts'))};
        const studio = Studio.open(${JSON.stringify(home)});
        studio.training.start = () => process.kill(process.pid, 'SIGKILL');
        studio.jobs.begin = () => process.kill(process.pid, 'SIGKILL');
        studio.jobs.work();`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
      expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
      const made = studio.store.runs.list().filter((run) => run.name === 'after');
      expect(made).toHaveLength(1);
      expect(studio.store.jobs.get(job.id).run).toBe(made[0]!.id);
      studio.jobs.work();
      await ended(studio, job.id);
      expect(studio.jobs.get(job.id)).toMatchObject({ state: 'done', result: { name: 'later', run: made[0]!.id } });
      before?.pause();
      await expect.poll(() => studio.store.runs.get(made[0]!.id)).toMatchObject({ state: 'completed', step: 3 });
      expect(studio.store.runs.list().filter((run) => run.name === 'after')).toHaveLength(1);
    }
  });

  it('is paused before it starts where it is taken out, archived, or started otherwise', async () => {
    const { studio, config, stateOf } = await withData();
    const a = await studio.runs.createQueued(config(3), 'a');
    const b = await studio.runs.createQueued(config(3), 'b');
    const c = await studio.runs.createQueued(config(3), 'c');
    const id = (run: { id: string }) => run.id;
    await studio.training.sendOrder(studio.store.runs.get(id(a)), 'pause');
    studio.runs.edit(studio.store.runs.get(id(b)), { archived: true });
    const { handle } = await studio.training.resume(studio.store.runs.get(id(c)));
    await handle.ended;
    expect([a, b, c].map((run) => stateOf(id(run)))).toEqual(['paused', 'paused', 'completed']);
    expect(studio.jobs.list().filter((job) => job.state === 'queued')).toEqual([]);
  });

  it('is paused also in the moment in which its turn has come', async () => {
    const { studio, config, stateOf } = await withData();
    const { id } = await studio.runs.createQueued(config(1_000_000), 'a');
    studio.jobs.work();
    expect([stateOf(id), studio.jobs.list()[0]!.state]).toEqual(['queued', 'running']);
    await studio.training.sendOrder(studio.store.runs.get(id), 'pause');
    await expect.poll(() => [stateOf(id), studio.jobs.list()[0]!.state]).toEqual(['paused', 'paused']);
  });

  it('pauses to the bit outside the hours of the queue, and goes on in them', async () => {
    const { studio, config, stateOf } = await withData();
    studio.jobs.work();
    const long = config(1_000_000, { checkpoints: { every: 0 } });
    const stepOf = (id: string) => studio.store.runs.get(id).step;
    const run = await studio.runs.createQueued(long, 'night');
    await expect.poll(() => stepOf(run.id)).toBeGreaterThan(5);
    writeSettings(studio.home, { queue: { paused: true, hours: null } });
    await expect.poll(() => stateOf(run.id)).toBe('paused');
    await expect.poll(() => studio.jobs.list()[0]).toMatchObject({ state: 'queued', run: run.id });
    const rests = stepOf(run.id);
    expect(studio.store.checkpoints.list(run.id).at(-1)).toMatchObject({ step: rests });
    writeSettings(studio.home, { queue: { paused: false, hours: null } });
    await expect.poll(() => stepOf(run.id)).toBeGreaterThan(rests + 20);
    studio.jobs.cancel(studio.jobs.list()[0]!.id);
    await expect.poll(() => stateOf(run.id)).toBe('paused');
    const whole = await studio.runs.create(long, 'day');
    const handle = studio.training.start(whole);
    await expect.poll(() => stepOf(whole.id)).toBeGreaterThan(rests + 20);
    handle.pause();
    await handle.ended;
    const losses = (id: string) => studio.store.metrics.read(id, { toStep: rests + 20 }).map((row) => row.loss);
    expect(losses(run.id)).toHaveLength(rests + 20);
    expect(losses(run.id)).toEqual(losses(whole.id));
  });
});
