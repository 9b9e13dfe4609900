import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { type Phase, parseRunConfig, type RunConfig } from '../../electron/engine/run/config.ts';
import type { RunEvent } from '../../electron/engine/run/events.ts';
import { UserError } from '../../electron/base/errors.ts';
import type { RunHandle } from '../../electron/studio/run/handle.ts';
import { memoryAt } from '../../electron/studio/run/memory.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { hasCpu } from '../engine/devices.ts';
import { tempDir } from '../temp.ts';
import { lack, where } from '../frame/needs.ts';

const constant = (steps: number, from: number, changes: Partial<Phase> = {}): Phase => ({
  kind: 'constant',
  steps,
  from,
  to: from,
  ...changes,
});

/** A studio with two texts, and a run of a small model that is long enough to be changed. */
async function workplace(phases: Phase[]) {
  const [home, texts] = [tempDir(), tempDir()];
  const prepare = async (name: string, text: string) => {
    const file = path.join(texts, `${name}.txt`);
    fs.writeFileSync(file, text.repeat(100));
    return (await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' })).name;
  };
  const dataset = await prepare('fox', 'the quick brown fox jumps over the lazy dog. ');
  const news = await prepare('news', 'pack my box with five dozen liquor jugs. ');
  const studio = Studio.open(home);
  const config = (list: Phase[]): RunConfig =>
    parseRunConfig({
      model: { vocabSize: 257, contextLength: 32, nLayer: 2, nHead: 2, nEmbd: 64 },
      dataset,
      tokenizer: 'bytes',
      batch: 4,
      tokensPerStep: 4 * 32,
      phases: list,
      evaluation: { every: 0, sequences: 2 },
      sampling: { tokens: 0 },
      checkpoints: { every: 50, keepLast: 2 },
      device: { kind: 'cpu', threads: 1 },
    });
  const running = new Set<RunHandle>();
  onTestFinished(async () => {
    for (const handle of running) handle.kill();
    await Promise.all([...running].map((handle) => handle.ended));
    studio.close();
  });
  const losses = (id: string) => studio.store.metrics.read(id).map((m) => [m.step, m.loss, m.learningRate]);
  const start = (handle: RunHandle) => {
    running.add(handle);
    void handle.ended.then(() => running.delete(handle));
    const events: RunEvent[] = [];
    handle.onEvent((event) => events.push(event));
    const reaches = (step: number) =>
      new Promise<void>((resolve) => handle.onEvent((e) => e.type === 'metrics' && e.step >= step && resolve()));
    return { handle, events, reaches };
  };
  return {
    studio,
    news,
    dataset,
    losses,
    run: await studio.runs.create(config(phases), 'changed'),
    start,
    /** Losses of a run that has these phases from its start. */
    async whole(list: Phase[]) {
      const run = await studio.runs.create(config(list), 'whole');
      await start(studio.training.start(run)).handle.ended;
      return losses(run.id);
    },
  };
}

const phasesOf = (studio: Studio, id: string) => studio.runs.configOf(studio.store.runs.get(id)).phases;

where(describe, [hasCpu, lack.cpu])('phases of a run that trains in this process', () => {
  const [first, second] = [constant(400, 1e-3), constant(3000, 5e-4)];

  it('are changed between two steps, stored, and trained as if they had always been so', async () => {
    const { studio, run, news, losses, start, whole } = await workplace([first, second]);
    const { handle, events, reaches } = start(studio.training.start(run));
    await reaches(5);
    const other = constant(20, 2e-4, { optimizer: 'adamw8bit', batch: 2, dataset: news });
    const changed = await studio.training.changePhases(run, {
      started: 1,
      current: { steps: 420 },
      later: [other],
      add: [],
    });
    const phases = [{ ...first, steps: 420 }, other];
    expect(changed).toMatchObject({ stepsTotal: 440, tokensTotal: 440 * 128 });
    expect(phasesOf(studio, run.id)).toEqual(phases);
    const reported = studio.store.events.list(run.id).filter((e) => e.kind === 'phases');
    expect(reported).toMatchObject([
      { data: phases, message: 'phases updated: constant, constant; 440 steps in total' },
    ]);
    const answer = events.find((e) => e.type === 'phases')!;
    expect(reported[0]!.step).toBe('step' in answer && answer.step);
    expect(await handle.ended).toMatchObject({ state: 'completed' });
    expect(studio.store.phases.list(run.id).map((p) => [p.index, p.step])).toEqual([[0, 0], [1, 420]]); // prettier-ignore
    expect(losses(run.id)).toEqual(await whole(phases));
  });

  it('are left as they were where they are refused: what begun can not be changed, what is not there not trained on', async () => {
    const { studio, run, start } = await workplace([{ ...first, kind: 'cosine', to: 1e-4 }, second]);
    const { handle, reaches } = start(studio.training.start(run));
    await reaches(2);
    const before = studio.store.runs.get(run.id);
    for (const [change, reason] of [
      [{ current: { steps: 500 } }, /^Phase 1 \(cosine\) has started and keeps its 400 steps/],
      [{ later: [constant(5, 1e-4, { dataset: 'nothing' })] }, /There is no dataset/],
      [{ later: [constant(5, 1e-4, { batch: 3 })] }, /^Phase 2 has batch 3/],
      [{ later: [constant(5, 1e-4, { subset: { from: 0, to: 10 } })] }, /share documents/],
      [{ started: 2, later: [] }, /has started phase 1 in the meantime/],
    ] as const) {
      await expect(studio.training.changePhases(run, { started: 1, later: null, add: [], ...change })).rejects.toThrow(
        reason,
      );
    }
    expect(studio.store.runs.get(run.id)).toMatchObject({ config: before.config, stepsTotal: before.stepsTotal });
    expect(studio.store.events.list(run.id).filter((e) => e.kind === 'phases')).toEqual([]);
    handle.pause();
    expect(await handle.ended).toMatchObject({ state: 'paused' });
  });

  it('are changed at rest where the run came to rest first; a run that is killed goes on with what it had', async () => {
    const { studio, run, losses, start, whole } = await workplace([first, second]);
    const { handle, reaches } = start(studio.training.start(run));
    await reaches(60);
    await studio.training.changePhases(run, { started: 1, later: [constant(30, 1e-4)], add: [] });
    handle.kill();
    const added = constant(10, 5e-5, { optimizer: 'adamw4bit' });
    // Too late for the engine, and not for the run.
    await studio.training.changePhases(run, { started: null, later: null, add: [added] });
    expect(await handle.ended).toMatchObject({ state: 'interrupted' });
    expect(phasesOf(studio, run.id)).toEqual([first, constant(30, 1e-4), added]);
    const resumed = start((await studio.training.resume(studio.store.runs.get(run.id))).handle);
    expect(await resumed.handle.ended).toMatchObject({ state: 'completed' });
    expect(losses(run.id)).toEqual(await whole([first, constant(30, 1e-4), added]));
  });

  it('that are over need no data any more', async () => {
    const { studio, run, news, start } = await workplace([constant(5, 1e-3), constant(5, 1e-4)]);
    await start(studio.training.start(run)).handle.ended;
    const at = (name: string) => path.join(studio.home, 'datasets', name);
    await studio.training.changePhases(run, { started: 2, later: [constant(5, 1e-4, { dataset: news })], add: [] });
    await start((await studio.training.resume(studio.store.runs.get(run.id))).handle).handle.ended;
    fs.renameSync(at(news), at('away'));
    await studio.training.changePhases(run, { started: 3, later: [constant(5, 1e-5)], add: [] });
    const resumed = start((await studio.training.resume(studio.store.runs.get(run.id))).handle);
    expect(await resumed.handle.ended).toMatchObject({ state: 'completed' });
    expect(studio.store.runs.get(run.id).step).toBe(20);
  });

  it('are not changed at rest while another process owns the run', async () => {
    const { studio, run } = await workplace([first]);
    studio.store.runs.setState(run.id, 'paused');
    studio.store.claims.release(run.id);
    studio.store.claims.take = () => {
      throw new UserError('claimed by another');
    };
    await expect(studio.training.changePhases(run, { started: null, later: null, add: [second] })).rejects.toThrow(
      /claimed/,
    );
    expect(phasesOf(studio, run.id)).toEqual([first]);
  });
});

describe('what the machine remembers where a run goes on', () => {
  it('is the phase that the run has there now, whatever it was when the checkpoint was written', () => {
    const stored = { step: 6, phase: { index: 1, kind: 'cosine' }, skipped: 2, recoveries: 1 };
    const at = (step: number, ...phases: Phase[]) => memoryAt(stored, { phases, tokensPerStep: 1 } as RunConfig, step);
    expect(at(6, constant(6, 1), constant(9, 1))).toEqual({ ...stored, phase: { index: 1, kind: 'constant' } });
    expect(at(6, constant(9, 1))).toEqual({ ...stored, phase: { index: 0, kind: 'constant' } });
    expect(memoryAt(null, { phases: [constant(9, 1)], tokensPerStep: 1 } as RunConfig, 3)).toEqual({
      step: 3,
      phase: { index: 0, kind: 'constant' },
    });
  });
});
