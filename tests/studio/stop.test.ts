import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig, type RunConfigInput } from '../../electron/engine/run/config.ts';
import type { RunHandle } from '../../electron/studio/run/handle.ts';
import type { RunEvent } from '../../electron/engine/run/events.ts';
import { Studio } from '../../electron/studio/studio.ts';
import type { TimeEstimate } from '../../electron/studio/time/estimate.ts';
import { hasCpu } from '../engine/devices.ts';
import { tempDir } from '../temp.ts';
import { lack, where } from '../frame/needs.ts';

/** A studio with data, and runs of a thousand steps. */
async function opened() {
  const home = tempDir();
  const file = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(file, 'the quick brown fox jumps over the lazy dog. '.repeat(5000));
  const studio = Studio.open(home);
  onTestFinished(() => {
    if (studio.store.isOpen) studio.close();
  });
  const { name: dataset } = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
  const make = (changes: Partial<RunConfigInput> = {}) =>
    parseRunConfig({
      model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 16 },
      ...{ dataset, tokenizer: 'bytes', batch: 2, tokensPerStep: 32 },
      phases: [{ kind: 'constant', steps: 1000, from: 1e-3, to: 1e-3 }],
      evaluation: { every: 0, sequences: 2 },
      sampling: { tokens: 2 },
      checkpoints: { every: 0 },
      device: { kind: 'cpu', threads: 1 },
      ...changes,
    });
  const runOf = (id: string) => studio.store.runs.get(id);
  return { studio, make, runOf };
}

/** Settles when a run has told something. */
const reported = (handle: RunHandle, type: RunEvent['type'], step = 0) =>
  new Promise<void>((resolve) =>
    handle.onEvent((event) => event.type === type && 'step' in event && event.step >= step && resolve()),
  );

where(describe, [hasCpu, lack.cpu])('a run that is stopped', () => {
  it('is evaluated, sampled, saved and complete; it is not resumed, but continued and branched', async () => {
    const { studio, make, runOf } = await opened();
    const { id } = await studio.runs.create(make(), 'early');
    const handle = studio.training.start(runOf(id));
    await reported(handle, 'metrics', 3);
    await studio.training.sendOrder(runOf(id), 'stop');
    expect(handle.state).toBe('stopping');
    // It would not go on later.
    await expect(studio.training.sendOrder(runOf(id), 'pause')).rejects.toThrow(
      "is stopping and can't be paused any more",
    );
    expect(await handle.ended).toMatchObject({ state: 'completed', early: true, resumable: false });
    const { step, ...run } = runOf(id);
    expect(run).toMatchObject({ state: 'completed', stoppedEarly: true, stepsTotal: 1000, pid: null });
    expect(run.endedAt).not.toBeNull();
    const message = `stopped early at step ${step} of 1,000`;
    expect(run.message).toBe(message);
    expect(studio.store.events.list(id).at(-1)).toMatchObject({ kind: 'completed', level: 'info', message });
    expect(studio.store.evals.list(id).map((e) => e.step)).toEqual([0, step]);
    expect([...new Set(studio.store.samples.list(id).map((s) => s.step))]).toEqual([0, step]);
    expect(studio.store.checkpoints.list(id).map((c) => c.step)).toEqual([step]);
    await expect.poll(() => studio.jobs.list()).toMatchObject([{ kind: 'train', state: 'done', run: id }]);

    await expect(studio.training.resume(runOf(id))).rejects.toThrow(`was stopped early at step ${step}: continue it`);
    expect(() => studio.runs.enqueue(runOf(id))).toThrow('was stopped early');
    for (const order of ['stop', 'pause', 'evaluate'] as const)
      await expect(studio.training.sendOrder(runOf(id), order)).rejects.toThrow('The run early is completed.');
    expect(runOf(id)).toMatchObject({ state: 'completed', stoppedEarly: true, pid: null });

    const branch = await studio.runs.create({ ...make(), init: { run: id, step } }, 'branch');
    expect(branch.state).toBe('preparing');
    const change = { started: 1, current: { steps: step }, later: null, add: [] };
    const more = { kind: 'constant', steps: 5, from: 1e-4, to: 1e-4 } as const;
    const resumed = await studio.training.continue(runOf(id), { ...change, add: [more] });
    expect(resumed!.step).toBe(step);
    expect(runOf(id).stoppedEarly).toBe(false);
    expect(await resumed!.handle.ended).toMatchObject({
      state: 'completed',
      message: `finished after ${step + 5} steps`,
    });
    expect(runOf(id)).toMatchObject({ state: 'completed', stoppedEarly: false, step: step + 5 });
  });

  it('goes on with other phases from where it was stopped, to the same bits; what was left of its own is dropped', async () => {
    const { studio, make, runOf } = await opened();
    const warmup = { kind: 'warmup', steps: 2, from: 0, to: 1e-3 } as const;
    const cosine = { kind: 'cosine', steps: 2000, from: 1e-3, to: 1e-4 } as const;
    const tail = { kind: 'constant', steps: 500, from: 1e-4, to: 1e-4 } as const;
    const { id } = await studio.runs.create(make({ phases: [warmup, cosine, tail] }), 'early');
    const handle = studio.training.start(runOf(id));
    await reported(handle, 'metrics', 5);
    handle.stop();
    await handle.ended;
    const { step } = runOf(id);
    expect(studio.runs.phasesBefore(runOf(id))).toEqual([warmup, { ...cosine, endAfter: step - 2 }]);
    const later = { kind: 'constant', steps: 400, from: 5e-4, to: 5e-4 } as const;
    // As a page asks, which knows what has begun.
    const resumed = await studio.training.continue(runOf(id), { started: 2, later: [later], add: [] });
    expect(resumed!.step).toBe(step);
    const phases = [warmup, { ...cosine, endAfter: step - 2 }, later];
    expect(studio.runs.configOf(runOf(id)).phases).toEqual(phases);
    expect(runOf(id)).toMatchObject({ stepsTotal: step + 400, tokensTotal: 32 * (step + 400), stoppedEarly: false });
    expect(studio.store.events.list(id).findLast((e) => e.kind === 'phases')).toMatchObject({
      step,
      message: `phase 2 (cosine) ends at step ${step}, where the run was stopped; 1 phase not started was dropped; phases updated: warmup, cosine, constant; ${(step + 400).toLocaleString('en-US')} steps in total`,
      data: phases,
    });
    // Paused on its way, it goes on to the same bits.
    await reported(resumed!.handle, 'metrics', step + 3);
    resumed!.handle.pause();
    await resumed!.handle.ended;
    const again = await studio.training.resume(runOf(id));
    expect(again.handle.state).toMatch(/^(preparing|training)/);
    expect(await again.handle.ended).toMatchObject({
      state: 'completed',
      message: `finished after ${step + 400} steps`,
    });
    expect(runOf(id)).toMatchObject({ state: 'completed', stoppedEarly: false, step: step + 400 });
    expect(studio.store.phases.list(id).map((p) => [p.index, p.kind, p.step])).toEqual([
      [0, 'warmup', 0],
      [1, 'cosine', 2],
      [2, 'constant', step],
    ]);
    // As one that had these phases from its start, which is stopped nowhere.
    const whole = await studio.runs.create(make({ phases }), 'whole');
    await studio.training.start(whole).ended;
    const rows = (run: string) => studio.store.metrics.read(run).map((m) => [m.step, m.loss, m.learningRate]);
    expect(rows(id)).toEqual(rows(whole.id));
  });

  it('trains what was left of its phases, to the same bits, where it is to go on as planned', async () => {
    const { studio, make, runOf } = await opened();
    const warmup = { kind: 'warmup', steps: 2, from: 0, to: 1e-3 } as const;
    const cosine = { kind: 'cosine', steps: 300, from: 1e-3, to: 1e-4 } as const;
    const tail = { kind: 'constant', steps: 20, from: 1e-4, to: 1e-4 } as const;
    const config = make({ phases: [warmup, cosine, tail] });
    await studio.time.knowSpeed('cpu');
    const { id } = await studio.runs.create(config, 'early');
    const handle = studio.training.start(runOf(id));
    await expect(studio.training.finish(runOf(id))).rejects.toThrow('is training now');
    await reported(handle, 'metrics', 5);
    handle.stop();
    await handle.ended;
    const { step } = runOf(id);
    expect(step).toBeLessThan(322);
    const finished = await studio.training.finish(runOf(id));
    expect(finished.step).toBe(step);
    expect(runOf(id)).toMatchObject({ stoppedEarly: false, stopAt: null });
    expect(await finished.handle.ended).toMatchObject({ state: 'completed', message: 'finished after 322 steps' });
    const { events, metrics } = studio.store;
    expect(events.list(id).find((e) => e.kind === 'continued')).toMatchObject({
      step,
      message: `continues from step ${step}, where it was stopped, to step 322 as planned`,
    });
    const whole = await studio.runs.create(config, 'whole');
    await studio.training.start(whole).ended;
    const rows = (run: string) => metrics.read(run).map((m) => [m.step, m.loss, m.learningRate]);
    expect(rows(id)).toEqual(rows(whole.id));
    await expect(studio.training.finish(runOf(id))).rejects.toThrow(
      `The run ${id} has trained all of its phases: continue it with new phases.`,
    );
    // What was left was estimated as it went on, and once.
    const said = () => events.list(id).filter((e) => e.kind === 'promise');
    await expect.poll(() => said().map((e) => e.step)).toEqual([0, step]);
    const [start, rest] = said().map((e) => (e.data as TimeEstimate).seconds);
    expect(rest!).toBeLessThan(start!);
  });

  it('ends where it was stopped, evaluated, where its engine or studio is lost before it is complete', async () => {
    const { studio, make, runOf } = await opened();
    const checkpoints = { every: 2, keepLast: 9 };
    const config = make({ sampling: { tokens: 0 }, checkpoints, evaluation: { every: 0, sequences: 20_000 } });
    const { id } = await studio.runs.create(config, 'lost');
    const handle = studio.training.start(runOf(id));
    await reported(handle, 'metrics', 5);
    const evaluating = new Promise<void>((resolve) =>
      handle.onEvent((e) => e.type === 'activity' && e.activity === 'evaluating' && e.step > 0 && resolve()),
    );
    handle.stop();
    expect(runOf(id).stopAt).toBeGreaterThanOrEqual(5);
    await evaluating;
    handle.kill();
    expect(await handle.ended).toMatchObject({ state: 'interrupted' });
    const { step, stopAt } = runOf(id);
    expect(stopAt).not.toBeNull();
    const resumed = await studio.training.resume(runOf(id));
    expect(resumed.step).toBeLessThanOrEqual(step);
    expect(await resumed.handle.ended).toMatchObject({ state: 'completed', early: true });
    const run = runOf(id);
    expect(run).toMatchObject({ state: 'completed', stoppedEarly: true, stopAt: null });
    expect(run.step).toBeGreaterThanOrEqual(step);
    expect(run.step).toBeLessThan(1000);
    expect(studio.store.evals.list(id).at(-1)!.step).toBe(run.step);
    expect(studio.store.events.list(id).map((e) => e.message)).toContain(
      `it was stopped before its process was lost: it ends at step ${step}`,
    );
  });

  it('can be resumed once it was given other phases', async () => {
    const { studio, make, runOf } = await opened();
    const { id } = await studio.runs.create(make(), 'early');
    const handle = studio.training.start(runOf(id));
    await reported(handle, 'metrics', 3);
    handle.stop();
    await handle.ended;
    const { step } = runOf(id);
    const changed = await studio.training.changePhases(runOf(id), {
      started: 1,
      current: { steps: step },
      later: null,
      add: [],
    });
    // Nothing to train.
    expect(changed).toMatchObject({ state: 'completed', stoppedEarly: true, stepsTotal: step });
    const more = { kind: 'constant', steps: 3, from: 1e-4, to: 1e-4 } as const;
    const added = await studio.training.changePhases(runOf(id), { started: null, later: null, add: [more] });
    expect(added).toMatchObject({ state: 'paused', stoppedEarly: false, stepsTotal: step + 3, pid: null });
    expect(studio.runs.configOf(added).phases).toMatchObject([{ steps: step, from: 1e-3 }, more]);
    const { handle: again } = await studio.training.resume(added);
    expect(await again.ended).toMatchObject({ state: 'completed', message: `finished after ${step + 3} steps` });
  });

  it('before its first step is complete without one', async () => {
    const { studio, make, runOf } = await opened();
    const { id } = await studio.runs.create(make(), 'at once');
    const handle = studio.training.start(runOf(id));
    handle.stop();
    expect(await handle.ended).toMatchObject({ state: 'completed', message: 'stopped early at step 0 of 1,000' });
    expect(studio.store.checkpoints.list(id).map((c) => c.step)).toEqual([0]);
    expect(runOf(id)).toMatchObject({ step: 0, stoppedEarly: true });
    const more = { kind: 'constant', steps: 2, from: 1e-4, to: 1e-4 } as const;
    const resumed = await studio.training.continue(runOf(id), { started: 0, later: null, add: [more] });
    expect(await resumed!.handle.ended).toMatchObject({ state: 'completed', message: 'finished after 2 steps' });
  });

  it('does not hold up who closes the studio, nor who stops it again', async () => {
    for (const hurry of ['close', 'stop'] as const) {
      const { studio, make, runOf } = await opened();
      // Samples of minutes.
      const sampling = { tokens: 1_000_000, prompts: Array.from({ length: 5000 }, () => 'a') };
      const { id } = await studio.runs.create(make({ sampling }), 'slow');
      const handle = studio.training.start(runOf(id));
      await new Promise<void>((resolve) =>
        handle.onEvent((event) => event.type === 'activity' && event.activity === 'sampling' && resolve()),
      );
      handle.stop();
      expect(handle.state).toBe('stopping');
      if (hurry === 'stop') handle.stop();
      else await studio.shutdown();
      expect(await handle.ended).toMatchObject({ state: 'completed', early: true });
      if (hurry === 'close') continue;
      expect(studio.store.samples.list(id)).toEqual([]);
      expect(studio.store.checkpoints.list(id)).toHaveLength(1);
    }
  });

  it('is complete as it was saved where it is paused', async () => {
    const { studio, make, runOf } = await opened();
    const { id } = await studio.runs.create(make(), 'paused');
    const handle = studio.training.start(runOf(id));
    await reported(handle, 'metrics', 3);
    handle.pause();
    await handle.ended;
    const { step } = runOf(id);
    const stopped = studio.training.sendOrder(runOf(id), 'stop');
    await stopped;
    expect(runOf(id)).toMatchObject({
      ...{ state: 'completed', stoppedEarly: true, pid: null, step },
      message: `stopped early at step ${step} of 1,000`,
    });
    expect(studio.store.events.list(id).at(-1)).toMatchObject({ kind: 'completed', step });
    expect(studio.store.checkpoints.list(id).map((c) => c.step)).toEqual([step]);
  });

  it('says which checkpoint it ends with, and stays paused where it has none', async () => {
    const { studio, make, runOf } = await opened();
    const { id } = await studio.runs.create(make({ checkpoints: { every: 2, keepLast: 9 } }), 'paused');
    const handle = studio.training.start(runOf(id));
    await reported(handle, 'metrics', 5);
    handle.pause();
    await handle.ended;
    const { step } = runOf(id);
    await studio.checkpoints.remove(runOf(id), step);
    const left = studio.store.checkpoints.list(id).map((c) => c.step);
    const other = await studio.runs.create(make(), 'other');
    studio.store.runs.setState(other.id, 'paused');
    studio.store.claims.release(other.id);
    await expect(studio.training.sendOrder(runOf(other.id), 'stop')).rejects.toThrow(
      'has no checkpoint to end with: resume it',
    );
    expect(runOf(other.id)).toMatchObject({ state: 'paused', pid: null });
    await studio.training.sendOrder(runOf(id), 'stop');
    expect(runOf(id).message).toBe(
      `stopped early at step ${step} of 1,000; the latest checkpoint is at step ${left.at(-1)}`,
    );
  });

  it('leaves the queue: complete where it has trained, else as if it had never been queued', async () => {
    const { studio, make, runOf } = await opened();
    const fresh = await studio.runs.createQueued(make(), 'fresh');
    await studio.training.sendOrder(runOf(fresh.id), 'stop');
    expect(runOf(fresh.id)).toMatchObject({ state: 'paused', stoppedEarly: false, pid: null });
    expect(runOf(fresh.id).message).toMatch(/removed from the queue/);

    const { id } = await studio.runs.create(make(), 'trained');
    const handle = studio.training.start(runOf(id));
    await reported(handle, 'metrics', 3);
    handle.pause();
    await handle.ended;
    studio.runs.enqueue(runOf(id));
    expect(runOf(id).state).toBe('queued');
    await studio.training.sendOrder(runOf(id), 'stop');
    expect(runOf(id)).toMatchObject({ state: 'completed', stoppedEarly: true });
    expect(studio.jobs.list().filter((job) => job.endedAt === null)).toEqual([]);
    // And what has never trained is trained from its beginning when it is resumed.
    const resumed = await studio.training.resume(runOf(fresh.id));
    expect(resumed.step).toBe(0);
    resumed.handle.stop();
    expect(await resumed.handle.ended).toMatchObject({ state: 'completed' });
  });
});
