/**
 * Makes the pictures of every page, dark and light, from runs that it trains: `node docs/screenshots.ts`. With a file of HellaSwag
 * items behind it, those runs are evaluated on 200 of them.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { startServer } from '../electron/api/transports/server.ts';
import { prepareDataset } from '../electron/data/index.ts';
import { parseRunConfig, type RunConfigInput } from '../electron/engine/run/config.ts';
import { packageFile } from '../electron/base/paths.ts';
import { Studio } from '../electron/studio/studio.ts';
import { generateStories } from '../electron/data/stories/index.ts';

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'trainyard-pictures-'));
const text = path.join(home, 'stories.txt');
fs.writeFileSync(text, generateStories({ seed: 1, bytes: 400_000 }));
const studio = Studio.open(home);
const dataset = await prepareDataset({ home, inputs: [text], tokenizer: 'bytes' });
const config: RunConfigInput = {
  model: { vocabSize: 257, contextLength: 64, nLayer: 2, nHead: 4, nEmbd: 64 },
  dataset: dataset.name,
  tokenizer: 'bytes',
  batch: 8,
  tokensPerStep: 512,
  phases: [
    { kind: 'warmup', steps: 100, from: 1e-5, to: 2e-3 },
    { kind: 'cosine', steps: 700, from: 2e-3, to: 4e-4 },
    { kind: 'constant', steps: 200, from: 4e-4, to: 4e-4, optimizer: 'adamw8bit' },
  ],
  evaluation: { every: 100, sequences: 50 },
  sampling: { every: 250, prompts: ['Once upon a time'], tokens: 120 },
  checkpoints: { every: 250 },
};
const ids: string[] = [];
for (const [name, changes] of [
  ['stories', {}],
  ['stories in bf16', { precision: 'bf16' }],
] as const) {
  const run = await studio.runs.create(parseRunConfig({ ...config, ...changes }), name);
  await studio.training.start(run).ended;
  ids.push(run.id);
}

const [items] = process.argv.slice(2);
for (const id of items ? ids : []) {
  const run = studio.store.runs.get(id);
  for (const { step } of studio.store.checkpoints.list(id))
    for await (const _ of studio.models.hellaswag(run, step, items!, 200));
}
studio.store.runs.update(ids[0]!, { tags: ['stories'], notes: 'The first try: warmup, cosine, then 8-bit AdamW.' });

const server = await startServer({
  context: { studio },
  pages: packageFile('dist/renderer'),
  host: '127.0.0.1',
  port: 0,
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const pages = [
  'runs',
  'new',
  `run/${ids[0]}`,
  `compare/${ids.join(',')}`,
  'memory',
  'evals',
  'samples',
  'data',
  'settings',
];
for (const colorScheme of ['light', 'dark'] as const) {
  const page = await browser.newPage({ viewport: { width: 1360, height: 900 }, colorScheme });
  await page.goto(server.link);
  for (const at of pages) {
    await page.evaluate(`location.hash = ${JSON.stringify(`#/${at}`)}`);
    await page.waitForTimeout(2500);
    await page.screenshot({ path: packageFile(`docs/pictures/${at.split('/')[0]}-${colorScheme}.png`) });
  }
  await page.close();
}
await browser.close();
await server.close();
await studio.shutdown();
fs.rmSync(home, { recursive: true, force: true });
