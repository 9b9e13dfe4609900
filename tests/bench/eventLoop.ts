/**
 * Measures how long the process that answers windows is busy with one thing while it has each kind of work:
 * `npm run bench:loop` (after `npm run build`), or `node tests/bench/eventLoop.ts --only export`. Printed are the delay of
 * the event loop, by `monitorEventLoopDelay` inside that process; what its thread computed from one look at the loop to the
 * next, which other processes on the machine don't change; and how long small requests of a window wait, which are due every
 * 10 ms whether or not the last one was answered. A home that is kept (`--home FOLDER`) is filled once.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { prepareDataset } from '../../electron/data/index.ts';
import { generateStories } from '../../electron/data/stories/index.ts';
import { parameterTable } from '../../electron/engine/models/index.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { loadPreset } from '../../electron/engine/run/presets.ts';
import { writeHuggingFaceModel } from '../../electron/exchange/huggingFace/index.ts';
import { importModel } from '../../electron/studio/exchange.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { askProbe, probeVariable, type Spread } from './loopProbe.ts';
import { type Api, finished, openWindow, serve } from './served.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '5000000' },
    seconds: { type: 'string', default: '5' },
    home: { type: 'string' },
    only: { type: 'string' },
  },
});
const rows = Number(values.rows);
/** What is asked for: no more than one in a hundred waits as long, milliseconds. */
const limitMs = 50;
/** How often a small request is due, milliseconds. */
const dueMs = 10;

const home = values.home ?? fs.mkdtempSync(path.join(os.tmpdir(), 'trainyard-loop-'));
const theirs = path.join(home, 'theirs');
const text = path.join(home, 'text.txt');
const items = path.join(home, 'items.jsonl');

const large = { vocabSize: 50257, contextLength: 1024, nLayer: 12, nHead: 12, nEmbd: 768, dropout: 0 };
const small = { vocabSize: 257, contextLength: 256, nLayer: 2, nHead: 2, nEmbd: 64, dropout: 0 };

/** A Hugging Face folder whose weights are all the same. */
async function writeModel(dir: string, model: typeof large, tokenizer: 'gpt2' | 'bytes'): Promise<void> {
  const shapes = new Map(parameterTable(model).map(({ name, fileShape }) => [name, fileShape]));
  const tensor = async (name: string) => new Float32Array(shapes.get(name)!.reduce((a, b) => a * b, 1)).fill(0.02);
  await writeHuggingFaceModel(dir, { model, tokenizer, dtype: 'f32', tensor });
}

function storeRows(studio: Studio, name: string, count: number): void {
  const config = parseRunConfig({
    ...{ model: small, dataset: 'stories', tokenizer: 'bytes', batch: 8, tokensPerStep: 2048 },
    phases: [{ kind: 'cosine', steps: count, from: 1e-3, to: 1e-4 }],
  });
  const { id } = studio.store.runs.create({
    name,
    config,
    device: 'cpu',
    stepsTotal: count,
    tokensTotal: 2048 * count,
  });
  const metrics = studio.store.metrics.writer(id, { maxRows: 20_000 });
  for (let step = 1; step <= count; step++) {
    const noise = Math.sin(step * 12.9898);
    const loss = 2 + 3 * Math.exp(-step / 1e6) + 0.1 * noise;
    const rest = { learningRate: 1e-3, gradNorm: 1 + 0.1 * noise, tokensPerSecond: 1e4 + noise, stepMs: 50 };
    metrics.add({ step, time: 1.7e12 + 50 * step, loss, ...rest, tokensSeen: 2048 * step });
  }
  metrics.close();
  studio.store.runs.setState(id, 'completed');
  studio.store.claims.release(id);
}

/** Fills the home with what the work is done on. */
async function fill(): Promise<void> {
  fs.mkdirSync(home, { recursive: true });
  const stories = generateStories({ seed: 1, bytes: 4_000_000 });
  fs.writeFileSync(text, stories.repeat(12));
  const part = path.join(home, 'part.txt');
  fs.writeFileSync(part, stories.repeat(50));
  await prepareDataset({ home, inputs: [part], tokenizer: 'bytes', name: 'stories' });
  fs.rmSync(part);
  const item = { activity_label: 'Cooking', ctx_a: 'A cook cuts an onion.', ctx_b: 'then he', label: 1 };
  const endings = ['eats the knife.', 'puts it into a pan.', 'paints a wall.', 'sings to the onion.'];
  const lines = Array.from({ length: 10_042 }, (_, ind) => JSON.stringify({ ind, ...item, endings }));
  fs.writeFileSync(items, lines.join('\n'));
  await writeModel(theirs, large, 'gpt2');
  await writeModel(path.join(home, 'small'), small, 'bytes');
  const studio = Studio.open(home);
  await importModel(studio, theirs, 'large');
  await importModel(studio, path.join(home, 'small'), 'small', { tokenizer: 'bytes' });
  storeRows(studio, 'many steps', rows);
  studio.close();
  fs.writeFileSync(path.join(home, 'filled'), '');
}

const doomed = 'to be deleted';

/** What the last measurement has deleted. */
function refill(): void {
  const studio = Studio.open(home);
  if (!studio.store.runs.list().some((run) => run.name === doomed)) storeRows(studio, doomed, Math.ceil(rows / 5));
  studio.close();
}

const budget = { kind: 'gpu', id: 'rtx-3060-12gb', reserveMiB: 512 } as const;

/** Kinds of work, each done again and again for some seconds, or once where it lasts longer. */
async function workOf(api: Api): Promise<Readonly<Record<string, () => Promise<unknown>>>> {
  const runs = await api.runs.list({});
  const idOf = (name: string): string => runs.find((run) => run.name === name)!.id;
  const xl = loadPreset('gpt2-xl').config as { model: object };
  const model = { ...large, ...xl.model };
  const config = { model, batch: 8, precision: 'f32', recompute: 'none', optimizer: 'adamw' } as const;
  const draft = {
    ...{ model: { ...model, vocabSize: 257 }, dataset: 'stories', tokenizer: 'bytes' },
    ...{ batch: 16, tokensPerStep: 16 * 1024 },
    phases: [
      { kind: 'cosine', steps: 10, from: 1e-3, to: 1e-4 },
      { kind: 'constant', steps: 10, from: 1e-4, to: 1e-4, optimizer: 'adamw8bit' },
    ],
  };
  const [manyId, largeId, smallId] = [idOf('many steps'), idOf('large'), idOf('small')];
  const job = async (submitted: Promise<{ job: number }>): Promise<void> => finished(api, (await submitted).job);
  let made = 0;
  const exported = (dtype: 'f32' | 'bf16') => async () => {
    const dir = path.join(home, `out-${++made}`);
    await job(api.models.export({ id: largeId, step: 0, dir, dtype }));
    fs.rmSync(dir, { recursive: true });
  };
  const deleted = async (name: string): Promise<void> => {
    for (const { id } of (await api.runs.list({})).filter((run) => run.name === name)) {
      await api.runs.edit({ id, archived: true });
      await api.runs.remove({ id });
    }
  };
  const sampling = { maxTokens: 60, temperature: 0.8, topK: 0, topP: 1, seed: 1 };
  return {
    nothing: () => setTimeout(100),
    plan: () => api.fit.plan({ config, budget }),
    'plan the matrix': () => api.fit.matrix({ config, budget }),
    suggest: () => api.fit.suggest({ budget, contextLength: 1024, tokenizer: 'gpt2', hours: 12 }),
    'check a draft': () => api.drafts.check({ config: draft, budget }),
    'preview text': () => api.data.previewText({ paths: [text], tokenizer: 'gpt2' }),
    tokenize: async () => {
      const name = `made-${++made}`;
      await job(api.data.prepare({ paths: [text], tokenizer: 'gpt2', name }));
      await api.data.remove({ name });
    },
    'verify a dataset': () => job(api.data.verify({ name: 'stories' })),
    'validation loss': () => job(api.models.evaluate({ id: smallId, step: 0, sequences: 2000, dataset: 'stories' })),
    HellaSwag: () => job(api.models.hellaswag({ id: smallId, step: 0, items: 200 + 100 * ++made, file: items })),
    generate: () => job(api.models.generate({ id: largeId, step: 0, prompt: 'Once', ...sampling })),
    'export, f32': exported('f32'),
    'export, bf16': exported('bf16'),
    import: async () => {
      const name = `imported ${++made}`;
      await job(api.models.import({ dir: theirs, name }));
      await deleted(name);
    },
    'chart all steps': () => api.runs.series({ id: manyId, points: 1000 }),
    'chart some steps': () =>
      api.runs.series({
        id: manyId,
        fromStep: Math.floor(rows / 3),
        toStep: Math.floor(rows / 3) + 127_000,
        points: 5000,
      }),
    'open the run': async () => {
      await api.runs.get({ id: manyId });
      for await (const _ of await api.runs.watch({ id: manyId, afterStep: -1, afterEvent: 0 })) break;
    },
    'list runs with curves': async () => {
      await api.runs.list({});
      await api.runs.curves({ ids: [manyId] });
    },
    'delete a run of many steps': () => deleted(doomed),
  };
}

/** Small requests of a window, each from when it is due to its answer. @returns what ends them */
function startAsking(api: Api): () => Promise<Spread> {
  const waits: number[] = [];
  const open = new Set<Promise<void>>();
  const started = performance.now();
  let due = started;
  const timer = setInterval(() => {
    for (; due <= performance.now(); due += dueMs) {
      const at = due;
      const answered: Promise<void> = api.fit.gpus().then(() => {
        waits.push(performance.now() - at);
        open.delete(answered);
      });
      open.add(answered);
    }
  }, 1);
  return async () => {
    clearInterval(timer);
    await Promise.all(open);
    const sorted = waits.sort((a, b) => a - b);
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
  };
}

const shown = ({ p50, p99, max }: Spread): string => [p50, p99, max].map((ms) => ms.toFixed(1).padStart(8)).join('');

if (!fs.existsSync(path.join(home, 'filled'))) await fill();
refill();
// A socket's path may have a hundred letters.
const sockets = fs.mkdtempSync(path.join(os.tmpdir(), 'loop-'));
const socket = path.join(sockets, 'probe');
const probe = pathToFileURL(path.join(import.meta.dirname, 'loopProbe.ts')).href;
const { link, stop } = await serve(home, { NODE_OPTIONS: `--import=${probe}`, [probeVariable]: socket });
const busy = await openWindow(link);
const other = await openWindow(link);
const work = await workOf(busy.api);
const late: string[] = [];
let isQuiet = true;
const titles = ['event loop, delay', 'its own work', 'small requests, wait'];
console.log(`${'milliseconds'.padEnd(28)}${titles.map((title) => title.padStart(24)).join('')}`);
console.log(`${' '.repeat(28)}${'     p50     p99     max'.repeat(titles.length)}  times`);
for (const [name, act] of Object.entries(work)) {
  if (values.only !== undefined && !name.includes(values.only)) continue;
  // What was compiled and opened on the way is not counted; what can be done once alone is.
  if (!name.startsWith('delete')) await act();
  await setTimeout(200);
  await askProbe(socket);
  const end = startAsking(other.api);
  const until = performance.now() + 1000 * Number(values.seconds);
  let times = 0;
  do {
    await act();
    times++;
  } while (performance.now() < until && !name.startsWith('delete'));
  const loop = await askProbe(socket);
  const waits = await end();
  // On a machine with other work the loop is late whatever the studio does.
  if (name === 'nothing') isQuiet = loop.late.p99 < limitMs / 2;
  if ((isQuiet ? loop.late : loop.busy).p99 >= limitMs) late.push(name);
  console.log(`${name.padEnd(28)}${shown(loop.late)}${shown(loop.busy)}${shown(waits)}  ${times}`);
}
busy.close();
other.close();
await stop();
fs.rmSync(sockets, { recursive: true });
if (values.home === undefined) fs.rmSync(home, { recursive: true });
console.log(
  late.length === 0 ? `p99 below ${limitMs} ms everywhere` : `p99 NOT below ${limitMs} ms: ${late.join(', ')}`,
);
process.exitCode = late.length === 0 ? 0 : 1;
