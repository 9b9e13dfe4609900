/** What the pictures show: a studio's home that is the same, to the minute and the digit, each time that it is made. */
import fs from 'node:fs';
import path from 'node:path';
import { vi } from 'vitest';
import { generateStories } from '../../../electron/data/stories/index.ts';
import { prepareDataset } from '../../../electron/data/index.ts';
import { parseRunConfig, type RunConfigInput } from '../../../electron/engine/run/config.ts';
import type { MetricsRow } from '../../../electron/studio/store/index.ts';
import type { Studio } from '../../../electron/studio/studio.ts';

const minute = 60_000;
/** When the first run is made; what happens takes its time from there. */
const start = Date.UTC(2026, 0, 12, 9, 0);
/** When the pictures are made, by the clock of their pages. */
export const shownAt = start + 3000 * minute;

const model = { vocabSize: 257, contextLength: 128, nLayer: 4, nHead: 4, nEmbd: 128 };
const tokensPerStep = 4096;

/** A number from -1 to 1 that follows from another one, as noise does not. */
const noise = (n: number): number => {
  const x = Math.sin(n * 12.9898) * 43_758.5453;
  return 2 * (x - Math.floor(x)) - 1;
};

type Rate = (step: number) => number;
const losses =
  (seed: number, floor: number, steps: number): Rate =>
  (step) =>
    floor + (5.5 - floor) * Math.exp((-7 * step) / steps) + 0.06 * noise(step + 1e6 * seed);

interface Curves {
  readonly steps: number;
  readonly loss: Rate;
  readonly rate?: Rate;
  /** Of the machine nothing was measured. */
  readonly bare?: boolean;
}

const machineAt = (step: number, seed: number): Partial<MetricsRow> => ({
  tokensPerSecond: 31_500 + 400 * noise(step + 3e6 * seed),
  memoryBytes: 851_443_712 + 4096 * (step % 3),
  mfu: 0.301 + 0.004 * noise(step + 4e6 * seed),
});

function* rowsOf(
  { steps, loss, rate = () => 1e-3, bare = false }: Curves,
  seed: number,
  began: number,
): Generator<MetricsRow> {
  for (let step = 1; step <= steps; step++) {
    yield {
      step,
      time: began + 130 * step,
      loss: loss(step),
      learningRate: rate(step),
      gradNorm: 0.5 + 2 * Math.exp(-step / 200) + 0.1 * noise(step + 2e6 * seed),
      tokensSeen: tokensPerStep * step,
      ...(bare ? {} : machineAt(step, seed)),
    };
  }
}

/** Runs by what they show. */
export interface Scene {
  readonly full: string;
  readonly lower: string;
  readonly one: string;
  readonly short: string;
  readonly diverged: string;
  readonly long: string;
  readonly archived: string;
  /** In training, by its record. */
  readonly training: string;
}

/**
 * Fills a studio. Nothing trains, and no text was written by a model.
 * @param longSteps of the longest run
 */
export async function makeScene(studio: Studio, { longSteps = 200_000 } = {}): Promise<Scene> {
  vi.useFakeTimers({ toFake: ['Date'], now: start });
  try {
    return await fill(studio, longSteps);
  } finally {
    vi.useRealTimers();
  }
}

async function fill(studio: Studio, longSteps: number): Promise<Scene> {
  const { store, home } = studio;
  const pass = (minutes: number) => vi.setSystemTime(Date.now() + minutes * minute);
  const text = path.join(home, 'stories.txt');
  fs.writeFileSync(text, generateStories({ seed: 1, bytes: 400_000 }));
  const { name: dataset } = await prepareDataset({ home, inputs: [text], tokenizer: 'bytes' });
  fs.rmSync(text);

  function make(
    name: string,
    curves: Curves,
    phases: RunConfigInput['phases'],
    more: Partial<RunConfigInput> = {},
    preset: string | null = null,
  ) {
    const config = parseRunConfig({
      ...{ model, dataset, tokenizer: 'bytes', batch: 32, tokensPerStep, phases },
      evaluation: { every: 100, sequences: 50 },
      ...more,
    });
    const stepsTotal = phases.reduce((sum, phase) => sum + (phase.steps ?? 0), 0);
    const { id } = store.runs.create({
      name,
      config,
      preset,
      device: 'cpu',
      stepsTotal,
      tokensTotal: tokensPerStep * stepsTotal,
    });
    store.runs.setState(id, 'training');
    store.events.add(id, 0, 'info', 'started', 'training on cpu from step 0');
    const seed = name.length;
    const metrics = store.metrics.writer(id, { maxRows: 8192 });
    for (const row of rowsOf(curves, seed, Date.now())) metrics.add(row);
    metrics.close();
    pass(Math.ceil((130 * curves.steps) / minute));
    return id;
  }
  const end = (id: string, state: 'completed' | 'paused' | 'failed' | 'interrupted', message: string, step: number) => {
    const level = state === 'failed' ? 'error' : 'info';
    store.events.add(id, step, level, state, message);
    store.runs.setState(id, state, message);
    store.claims.release(id);
    pass(15);
  };
  /** Evaluations and checkpoints of a run's losses. */
  function evaluate(id: string, loss: Rate, steps: number, every: number, hellaswag = false): void {
    for (let step = every; step <= steps; step += every) {
      const value = loss(step) + 0.08;
      store.evals.add(id, step, 'validation', value, { sequences: 50, tokens: 6400, bytes: 6400 });
      if (step % (2 * every) !== 0) continue;
      const machine = { kind: 'cpu' };
      const dir = path.join(home, 'runs', id, 'checkpoints', `step-${String(step).padStart(8, '0')}`);
      store.checkpoints.add(id, { step, path: dir, bytes: 10_130_432, valLoss: value, best: step === steps, machine });
      if (!hellaswag) continue;
      const acc = 0.262 - loss(steps) / 100 + (0.03 * step) / steps;
      const result = { acc, accStderr: 0.0043, accNorm: acc + 0.006, accNormStderr: 0.0044, items: 10_042 };
      store.evals.add(id, step, 'hellaswag', acc, result, '10042 items');
    }
  }

  const cosine = (peak: number, steps: number): RunConfigInput['phases'] => [
    { kind: 'warmup', steps: steps / 10, from: 0, to: peak },
    { kind: 'cosine', steps: (steps * 7) / 10, from: peak, to: peak / 5 },
    { kind: 'constant', steps: (steps * 2) / 10, from: peak / 5, to: peak / 5, optimizer: 'adamw8bit' },
  ];
  const rateOf =
    (peak: number, steps: number): Rate =>
    (step) => {
      const [warm, far] = [step / (steps / 10), (step - steps / 10) / ((steps * 7) / 10)];
      if (warm < 1) return peak * warm;
      return far > 1 ? peak / 5 : peak / 5 + 0.4 * peak * (1 + Math.cos(Math.PI * far));
    };

  // Of each state that the charts can be in.
  const longLoss = losses(5, 1.2, longSteps);
  const long = make(
    'a long run',
    { steps: longSteps, loss: longLoss, rate: (step) => 1e-3 - (9e-4 * step) / longSteps, bare: true },
    [{ kind: 'cosine', steps: longSteps, from: 1e-3, to: 1e-4 }],
  );
  evaluate(long, longLoss, longSteps, longSteps / 40);
  end(long, 'completed', 'finished', longSteps);
  const steady = (steps: number): RunConfigInput['phases'] => [{ kind: 'constant', steps, from: 1e-3, to: 1e-3 }];
  const one = make('one step', { steps: 1, loss: () => 5.538 }, steady(100));
  end(one, 'paused', 'paused and saved at step 1', 1);
  const short = make('a dozen steps', { steps: 12, loss: losses(3, 3.4, 40) }, steady(12));
  store.evals.add(short, 12, 'validation', 4.1, { sequences: 50, tokens: 6400, bytes: 6400 });
  end(short, 'completed', 'finished', 12);
  const wild = losses(4, 2.2, 900);
  const diverging: Rate = (step) =>
    step > 370 ? Number.NaN : step > 330 ? wild(step) + 1.1 ** (step - 330) : wild(step);
  const diverged = make('learning rate too high', { steps: 376, loss: diverging, rate: () => 2e-2 }, [
    { kind: 'constant', steps: 900, from: 2e-2, to: 2e-2 },
  ]);
  store.evals.add(diverged, 100, 'validation', wild(100) + 0.1, { sequences: 50, tokens: 6400, bytes: 6400 });
  store.evals.add(diverged, 300, 'validation', wild(300) + 0.1, { sequences: 50, tokens: 6400, bytes: 6400 });
  store.events.add(diverged, 371, 'warning', 'skip', 'step 371 was skipped: its gradient is not finite');
  end(diverged, 'failed', 'the loss is NaN at step 376: lower the learning rate', 376);

  // What two tries on one thing look like.
  const tries = ([name, peak, floor]: readonly [string, number, number]) => {
    const loss = losses(name.length, floor, 2000);
    const id = make(
      name,
      { steps: 2000, loss, rate: rateOf(peak, 2000) },
      cosine(peak, 2000),
      {
        sampling: { every: 500, prompts: ['Once upon a time'], tokens: 60 },
      },
      'nano',
    );
    evaluate(id, loss, 2000, 100, true);
    store.events.add(id, 0, 'info', 'phase', 'phase 1: warmup');
    store.phases.add(id, 0, 'warmup', 0);
    store.events.add(id, 200, 'info', 'phase', 'phase 2: cosine');
    store.phases.add(id, 1, 'cosine', 200);
    store.events.add(id, 1600, 'info', 'phase', 'phase 3: constant');
    store.phases.add(id, 2, 'constant', 1600);
    store.events.add(id, 1600, 'info', 'optimizer', 'optimizer switched from adamw to adamw8bit');
    for (const step of [500, 1000, 1500, 2000])
      store.samples.add(
        id,
        step,
        'Once upon a time',
        1,
        ' there was a small fox who lived by the river with his mother.',
      );
    end(id, 'completed', 'finished', 2000);
    return id;
  };
  const lower = tries(['stories, lr 5e-4', 5e-4, 1.62]);
  const full = tries(['stories, lr 1e-3', 1e-3, 1.41]);
  store.runs.update(full, { tags: ['stories', 'baseline'], notes: 'Warmup, cosine, then 8-bit AdamW.' });
  store.runs.update(lower, { tags: ['stories'] });
  store.checkpoints.keep(full, 2000, true);
  store.checkpoints.keep(lower, 2000, true);
  const archived = make('an older try', { steps: 40, loss: losses(7, 2.4, 100) }, steady(40));
  end(archived, 'completed', 'finished', 40);
  store.runs.update(archived, { archived: true });
  const training = make('overnight', { steps: 900, loss: losses(8, 1.5, 2000) }, steady(2000));
  const crashed = make('a machine that went away', { steps: 640, loss: losses(6, 1.9, 2000) }, steady(2000));
  end(crashed, 'interrupted', 'its process ended', 640);

  const settings = { maxTokens: 60, temperature: 0.8, topK: 40, topP: 1, repetitionPenalty: 1, seed: 1 };
  const tokens = [...' there was a small fox'].map((letter, i) => {
    const top = [letter, 'e', 'x'].map((other, place) => ({ text: other, probability: [0.7, 0.2, 0.05][place]! }));
    return { text: letter, probability: i % 5 === 0 ? 0.05 : 0.7, rank: i % 5 === 0 ? 3 : 1, top };
  });
  store.generations.add({
    ...{
      run: full,
      name: 'stories, lr 1e-3',
      step: 2000,
      prompt: 'Once upon a time',
      settings,
      notices: [],
      tokens,
    },
    text: ' there was a small fox who lived by the river with his mother. One day he found a boat.',
  });

  const { jobs } = store;
  const job = (kind: string, title: string, run: string | null = null) =>
    jobs.add({ kind, title, input: {}, run, slot: 'cpu' }).id;
  const done = job('tokenize', 'Tokenize stories.txt');
  jobs.take(done, true, () => true);
  jobs.report(done, { progress: { done: 400_000, total: 400_000, unit: 'bytes' } });
  pass(1);
  jobs.end(done, 'done', null);
  const failed = job('hellaswag', 'HellaSwag of stories, lr 5e-4, step 2000', lower);
  jobs.take(failed, true, () => true);
  pass(2);
  jobs.end(failed, 'failed', "HellaSwag's items can't be read from hellaswag.jsonl: there is no such file.");
  vi.setSystemTime(shownAt - 4 * minute);
  const running = job('validation', 'Evaluate stories, lr 1e-3, step 2000', full);
  jobs.take(running, true, () => true);
  jobs.report(running, { progress: { done: 120, total: 200, unit: 'sequences' } });
  job('export', 'Export stories, lr 1e-3, step 2000', full);
  job('generate', 'Generate with stories, lr 5e-4, step 1600', lower);
  return { archived, training, full, lower, one, short, diverged, long };
}
