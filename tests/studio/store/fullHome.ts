import { writeCheckpoint } from '../../../electron/engine/checkpoint/index.ts';
import { parseRunConfig } from '../../../electron/engine/run/config.ts';
import { freshState } from '../../../electron/engine/run/state.ts';
import path from 'node:path';
import { checkpointDir } from '../../../electron/studio/home.ts';
import type { Store } from '../../../electron/studio/store/store.ts';

export const config = parseRunConfig({
  model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 8, dropout: 0 },
  dataset: 'stories',
  tokenizer: 'bytes',
  batch: 2,
  tokensPerStep: 32,
  phases: [
    { kind: 'warmup', steps: 10, from: 0, to: 1e-3 },
    { kind: 'constant', steps: 2990, from: 1e-3, to: 1e-3 },
  ],
});

/** A run with metrics, evaluations, samples, events and whole checkpoints, as training leaves it. @returns its id */
export async function addTrainedRun(store: Store, home: string, name: string, steps: number): Promise<string> {
  const tokensTotal = 3000 * 32;
  const { id } = store.runs.create({ name, config, device: 'cpu', stepsTotal: 3000, tokensTotal, preset: 'tiny' });
  store.runs.update(id, { tags: ['kept', 'ü'], notes: 'a note\nof two lines' });
  store.runs.setState(id, 'training');
  store.phases.add(id, 0, 'warmup', 0);
  store.phases.add(id, 1, 'constant', 10);
  const metrics = store.metrics.writer(id);
  for (let step = 1; step <= steps; step++)
    metrics.add({
      step,
      time: 1.7e12 + step,
      loss: 5 - step / steps,
      learningRate: 1e-3,
      tokensSeen: step * 32,
      stepMs: 3,
    });
  metrics.close();
  const half = Math.floor(steps / 2);
  for (const step of [half, steps]) {
    const valLoss = 6 - step / steps;
    store.evals.add(id, step, 'validation', valLoss, { tokens: 64, bytes: 60 });
    store.samples.add(id, step, 'Once', 7, ` upon step ${step}`);
    const trainer = { ...freshState, step, updates: step, tokensSeen: step * 32, bestValLoss: valLoss, bestStep: step };
    const state = { trainer: { ...trainer, valLoss, evaluatedStep: step }, config };
    const entry = { name: 'w', dtype: 'F32' as const, shape: [2], data: () => Float32Array.of(step, 1) };
    const root = path.dirname(checkpointDir(home, id, 0));
    const { dir, bytes } = await writeCheckpoint(root, step, { model: [entry], optimizer: [], state });
    store.checkpoints.add(id, { step, path: dir, bytes, best: true, machine: { step, skipped: 0 } });
  }
  store.runs.setState(id, 'paused', `paused at step ${steps}`);
  store.events.add(id, steps, 'info', 'paused', 'paused by hand');
  store.claims.release(id);
  return id;
}

/** All that people see of a run. */
export function everythingOf(store: Store, id: string) {
  const { updatedAt: _, ...run } = store.runs.get(id);
  return {
    run,
    metrics: store.metrics.read(id).map((m) => [m.step, m.loss, m.tokensSeen, m.stepMs]),
    means: store.metrics.series(id, 'loss', { points: 10 }),
    evals: store.evals.list(id),
    samples: store.samples.list(id).map(({ id: _id, ...s }) => s),
    phases: store.phases.list(id),
    checkpoints: store.checkpoints.list(id),
    events: store.events.list(id).map((e) => e.kind),
  };
}
