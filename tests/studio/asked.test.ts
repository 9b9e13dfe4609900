import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import type { RunEvent } from '../../electron/engine/run/events.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { hasCpu } from '../engine/devices.ts';
import { tempDir } from '../temp.ts';
import { lack, where } from '../frame/needs.ts';

/** A run that does not end by itself, and whose evaluation takes a while. */
async function longRun() {
  const home = tempDir();
  const file = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(file, 'the quick brown fox jumps over the lazy dog. '.repeat(10_000));
  const studio = Studio.open(home);
  const { name } = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
  const config = parseRunConfig({
    model: { vocabSize: 257, contextLength: 64, nLayer: 2, nHead: 2, nEmbd: 64 },
    ...{ dataset: name, tokenizer: 'bytes', batch: 2, tokensPerStep: 128 },
    phases: [{ kind: 'constant', steps: 1_000_000, from: 1e-3, to: 1e-3 }],
    evaluation: { every: 0, sequences: 100_000 },
    sampling: { tokens: 64, every: 0 },
    checkpoints: { every: 0 },
    device: { kind: 'cpu', threads: 1 },
  });
  const { id } = await studio.runs.create(config, 'long');
  const handle = studio.training.start(studio.store.runs.get(id));
  const events: RunEvent[] = [];
  handle.onEvent((event) => events.push(event));
  return { studio, handle, events };
}

where(describe, [hasCpu, lack.cpu])('what a run is asked for', () => {
  it('before its engine is ready is done as soon as it can be', async () => {
    const home = tempDir();
    const file = path.join(tempDir(), 'text.txt');
    fs.writeFileSync(file, 'the quick brown fox jumps over the lazy dog. '.repeat(100));
    const studio = Studio.open(home);
    const { name } = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
    const config = parseRunConfig({
      model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 16 },
      ...{ dataset: name, tokenizer: 'bytes', batch: 2, tokensPerStep: 32 },
      phases: [{ kind: 'constant', steps: 20, from: 1e-3, to: 1e-3 }],
      evaluation: { every: 0, sequences: 2 },
      sampling: { tokens: 0 },
      checkpoints: { every: 0, keepLast: 9 },
      device: { kind: 'cpu', threads: 1 },
    });
    const { id } = await studio.runs.create(config, 'asked');
    const handle = studio.training.start(studio.store.runs.get(id));
    const events: RunEvent[] = [];
    handle.onEvent((event) => events.push(event));
    handle.request('evaluate');
    handle.request('checkpoint');
    expect(await handle.ended).toMatchObject({ state: 'completed' });
    // What is measured at the start in any case is measured once more.
    const reported = (type: RunEvent['type']) =>
      events.flatMap((e) => (e.type === type && 'step' in e ? [e.step] : []));
    expect(reported('checkpoint')).toEqual([0, 20]);
    expect(reported('evaluation')).toEqual([0, 0, 20]);
    const answers = events.flatMap((e) => (e.type === 'asked' ? [[e.what, e.done]] : []));
    expect(answers).toEqual([
      ['evaluate', true],
      ['checkpoint', true],
    ]);
    studio.close();
  });

  it.each(['pause', 'stop', 'kill'] as const)('before a %s and not done is said to be dropped', async (order) => {
    const { studio, handle, events } = await longRun();
    await new Promise<void>((resolve) => handle.onEvent((event) => event.type === 'metrics' && resolve()));
    handle.request('evaluate');
    handle.request('sample');
    handle.request('checkpoint');
    handle[order]();
    // A run that finishes does what it was asked for; who stops it twice does not wait for that.
    if (order === 'stop') handle.stop();
    await handle.ended;
    const dropped = studio.store.events.list(handle.run.id).filter((e) => e.kind === 'dropped');
    const answered = events.flatMap((e) => (e.type === 'asked' ? [e] : []));
    expect(answered.map((e) => e.what).toSorted()).toEqual(['checkpoint', 'evaluate', 'sample']);
    expect(dropped).toHaveLength(answered.filter((e) => !e.done).length);
    for (const { message, level } of dropped)
      expect([level, message]).toEqual(['warning', expect.stringMatching(/requested was dropped: the run ended/)]);
    // An evaluation is cut short between two batches, and a stop always leaves a checkpoint.
    expect(answered.find((e) => e.what === 'evaluate')!.done).toBe(false);
    expect(answered.find((e) => e.what === 'checkpoint')!.done).toBe(order !== 'kill');
    studio.close();
  });
});
