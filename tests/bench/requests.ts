/**
 * Measures how long a window waits for an answer while the studio has other work: `node tests/bench/requests.ts` after
 * `npm run build`. A studio with many runs and datasets is served in a process of its own; one window asks something
 * large, and another one meanwhile asks small things, one after another.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { loadPreset } from '../../electron/engine/run/presets.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { type Api, openWindow, serve } from './served.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    datasets: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '6' },
    only: { type: 'string' },
  },
});
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'trainyard-requests-'));

/** Fills the home: runs with some metrics, and datasets that some of them use. */
async function fill(): Promise<string> {
  const file = path.join(home, 'text.txt');
  fs.writeFileSync(file, 'how long does a window wait for its answer? '.repeat(3000));
  const { name } = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
  const datasets = path.join(home, 'datasets');
  for (let i = 1; i < Number(values.datasets); i++)
    fs.cpSync(path.join(datasets, name), path.join(datasets, `${name}-${i}`), { recursive: true });
  const studio = Studio.open(home);
  const config = parseRunConfig({
    model: { vocabSize: 257, contextLength: 64, nLayer: 2, nHead: 2, nEmbd: 64 },
    dataset: name,
    tokenizer: 'bytes',
    batch: 8,
    tokensPerStep: 512,
    phases: [{ kind: 'constant', steps: 100, from: 1e-3, to: 1e-3 }],
  });
  for (let i = 0; i < Number(values.runs); i++) {
    const { id } = studio.store.runs.create({
      name: `run ${i}`,
      config,
      device: 'cpu',
      stepsTotal: 100,
      tokensTotal: 51_200,
    });
    const metrics = studio.store.metrics.writer(id);
    for (let step = 1; step <= 20; step++)
      metrics.add({ step, time: step, loss: 4 - step / 10, tokensSeen: 512 * step });
    metrics.close();
    studio.store.evals.add(id, 20, 'validation', 3, { sequences: 4, tokens: 256, bytes: 256 });
    studio.store.checkpoints.add(id, { step: 20, path: path.join(home, 'none'), bytes: 1, best: true });
    studio.store.runs.setState(id, 'completed');
  }
  studio.close();
  return name;
}

const dataset = await fill();
const { link, stop } = await serve(home);
const busy = await openWindow(link);
const other = await openWindow(link);

const xl = loadPreset('gpt2-xl').config as { model: object };
const model = { vocabSize: 50257, dropout: 0, ...xl.model } as Parameters<Api['fit']['matrix']>[0]['config']['model'];
const planned = { model, batch: 8, precision: 'f32', recompute: 'none', optimizer: 'adamw' } as const;
const question = { config: planned, budget: { kind: 'gpu', id: 'rtx-3060-12gb', reserveMiB: 512 } } as const;
const draft = {
  model: { ...model, vocabSize: 257 },
  dataset,
  tokenizer: 'bytes',
  batch: 1024,
  tokensPerStep: 1024 * 1024,
  phases: [
    { kind: 'cosine', steps: 10, from: 1e-3, to: 1e-4 },
    { kind: 'constant', steps: 10, from: 1e-4, to: 1e-4, optimizer: 'adamw8bit' },
  ],
};

/** What one window asks, again and again, while the other one measures. */
const work: Readonly<Record<string, () => Promise<unknown>>> = {
  nothing: () => setTimeout(100),
  'plan the matrix (gpt2-xl, every optimizer and recomputation)': () => busy.api.fit.matrix(question),
  'plan, with what would make it fit': () => busy.api.fit.plan(question),
  'largest number of layers': () => busy.api.fit.solve({ ...question, dimension: 'layers' }),
  'check a draft of two phases that does not fit': () =>
    busy.api.drafts.check({ config: draft, budget: question.budget }),
  'start a run that does not fit': () =>
    busy.api.runs.create({ config: draft, name: 'too large', preset: null }).catch(() => {}),
  [`list ${values.runs} runs`]: () => busy.api.runs.list({}),
  [`list ${values.datasets} datasets`]: () => busy.api.data.list(),
  [`evaluations of ${values.runs} runs`]: () => busy.api.models.evals(),
  'look at the devices': () => busy.api.studio.devices(),
};

/** What is timed: a page's file, and what every page asks. */
const asked: readonly (() => Promise<unknown>)[] = [
  () => other.api.studio.settings(),
  () => other.api.fit.gpus(),
  async () => (await fetch(new URL('/', link), { headers: { cookie: other.cookie } })).text(),
];

/** Of sorted numbers. */
const at = (sorted: readonly number[], part: number): string =>
  sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!.toFixed(1).padStart(8);

console.log('milliseconds that a small request waits   p50      p99      max  requests');
for (const [name, ask] of Object.entries(work)) {
  if (values.only && !name.includes(values.only)) continue;
  const until = performance.now() + 1000 * Number(values.seconds);
  let asking = true;
  let answers = 0;
  const load = (async () => {
    while (asking) {
      await ask();
      answers++;
    }
  })();
  const waits: number[] = [];
  for (let i = 0; performance.now() < until; i++) {
    const started = performance.now();
    await asked[i % asked.length]!();
    waits.push(performance.now() - started);
    await setTimeout(5);
  }
  asking = false;
  await load;
  waits.sort((a, b) => a - b);
  console.log(
    `${name} (${answers} times)\n${' '.repeat(38)}${at(waits, 0.5)} ${at(waits, 0.99)} ${at(waits, 1)}  ${waits.length}`,
  );
}
busy.close();
other.close();
await stop();
fs.rmSync(home, { recursive: true, force: true });
