import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FromEngine } from '../../electron/engine/process/messages.ts';
import { hasUnheard, Unheard } from '../../electron/engine/process/orphan.ts';
import type { StepMetrics } from '../../electron/engine/run/events.ts';
import { runDir } from '../../electron/studio/home.ts';
import { openStore } from '../../electron/studio/store/index.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { tempDir } from '../temp.ts';
import { smallRun } from '../engine/run/harness.ts';
import { withDatabase } from './store/helpers.ts';

const metrics = (step: number): FromEngine => ({
  ...({ type: 'metrics', step, loss: 4 - step / 10, learningRate: 1e-3, gradNorm: 1, lossScale: 1 } as const),
  ...({ tokensSeen: 64 * step, stepMs: 5, tokensPerSecond: 1, mfu: 0.1, memoryBytes: 1, time: step } as StepMetrics),
});
const checkpoint = (step: number): FromEngine => ({
  type: 'checkpoint',
  step,
  path: '/elsewhere',
  bytes: 7,
  best: false,
});
const evaluation = (step: number): FromEngine => ({ type: 'evaluation', step, valLoss: 3, tokens: 64, bytes: 64 });
const ended = (state: 'paused' | 'completed' | 'failed', step: number, message = ''): FromEngine => ({
  type: 'ended',
  outcome: { state, step, stepsTotal: 6, message },
});

/** The number of a process that has ended. */
const gone = spawnSync(process.execPath, ['-e', '']).pid;

/** A home whose studio died as a run trained: what it stored, and what the run's engine has left. */
function orphaned(stored: readonly number[], left: readonly FromEngine[]) {
  const home = tempDir();
  const store = openStore(home);
  const { id } = store.runs.create({ name: 'n', config: smallRun(), device: 'cpu', stepsTotal: 6 });
  store.runs.setState(id, 'training');
  const writer = store.metrics.writer(id);
  for (const step of stored) writer.add(metrics(step) as StepMetrics);
  writer.close();
  store.close();
  withDatabase(store.file, (db) => {
    db.prepare('UPDATE runs SET pid = ?, processStart = NULL').run(gone);
  });
  fs.mkdirSync(runDir(home, id), { recursive: true });
  const unheard = new Unheard();
  for (const message of left) unheard.add(message);
  unheard.leave(runDir(home, id));
  return { home, id, folder: runDir(home, id) };
}

function open(home: string): Studio {
  const studio = Studio.open(home);
  onTestFinished(() => studio.close());
  return studio;
}

describe('what the engine of a run has left whose studio died', () => {
  it('is stored once by the next studio, without a step twice, and the run can be resumed', () => {
    const left = [metrics(2), metrics(3), evaluation(3), checkpoint(3), ended('paused', 3)];
    const { home, id, folder } = orphaned([1, 2], left);
    const { store } = open(home);
    expect(store.metrics.read(id).map((m) => m.step)).toEqual([1, 2, 3]);
    expect(store.evals.list(id)).toMatchObject([{ step: 3, value: 3 }]);
    expect(store.checkpoints.list(id)).toMatchObject([
      { step: 3, path: path.join(folder, 'checkpoints', 'step-000003') },
    ]);
    expect(store.runs.get(id)).toMatchObject({
      ...{
        state: 'interrupted',
        step: 3,
        pid: null,
        message: 'its process ended; saved at step 3, from where it resumes',
      },
    });
    expect(hasUnheard(folder)).toBe(false);
    const events = store.events.list(id);
    // No failure, and said once.
    expect(events.map((e) => [e.kind, e.level])).toEqual([['saved', 'info']]);
    open(home);
    expect(store.events.list(id)).toEqual(events);
  });

  it.each([
    ['completed', ended('completed', 6, 'finished after 6 steps'), { state: 'completed', stoppedEarly: false }],
    ['stopped early', ended('completed', 2, 'stopped early'), { state: 'completed', stoppedEarly: true }],
    ['failed', ended('failed', 2, 'loss diverged'), { state: 'failed', message: 'loss diverged' }],
  ])('tells that the run has %s meanwhile', async (_, end, expected) => {
    const { home, id } = orphaned([1], [metrics(2), checkpoint(2), end]);
    const studio = open(home);
    expect(studio.store.runs.get(id)).toMatchObject(expected);
    if (expected.state !== 'completed') return;
    // The job that had it train has nothing more to do.
    studio.jobs.work();
    const { id: job } = studio.jobs.submit('train', { id });
    await expect.poll(() => studio.jobs.get(job).state).toBe('done');
  });

  it('is let go of where it is damaged: what was stored stands', () => {
    const { home, id, folder } = orphaned([1, 2], [metrics(3)]);
    const file = fs.readdirSync(folder).find((name) => name.startsWith('unheard'))!;
    fs.writeFileSync(path.join(folder, file), 'half');
    const { store } = open(home);
    expect(store.runs.get(id)).toMatchObject({ state: 'interrupted', step: 2 });
    expect(hasUnheard(folder)).toBe(false);
  });
});
