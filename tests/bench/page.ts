/**
 * Measures the page in a real Chromium: its size, its first paint, and how long a run of a million steps takes to be drawn:
 * `node tests/bench/page.ts` after `npm run build`.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { startServer } from '../../electron/api/transports/server.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { packageFile } from '../../electron/base/paths.ts';
import { Studio } from '../../electron/studio/studio.ts';

const steps = 1_000_000;
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'trainyard-page-'));
const pages = packageFile('dist/renderer');

const compressed = fs
  .readdirSync(pages, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(js|css|html|svg)$/.test(file))
  .reduce((sum, file) => sum + gzipSync(fs.readFileSync(path.join(pages, file))).length, 0);
console.log(`page: ${(compressed / 1000).toFixed(0)} KB compressed`);

const studio = Studio.open(home);
const config = parseRunConfig({
  model: { vocabSize: 257, contextLength: 64, nLayer: 2, nHead: 2, nEmbd: 64 },
  dataset: 'none',
  tokenizer: 'bytes',
  batch: 8,
  tokensPerStep: 512,
  phases: [{ kind: 'cosine', steps, from: 1e-3, to: 1e-4 }],
});
const { id } = studio.store.createRun({
  name: 'a million steps',
  config,
  device: 'cpu',
  stepsTotal: steps,
  tokensTotal: 512 * steps,
});
const metrics = studio.store.metricsWriter(id, { maxRows: 5000 });
for (let step = 1; step <= steps; step++) {
  const loss = 2 + 3 * Math.exp(-step / 1e5) + 0.1 * Math.sin(step * 12.9898);
  metrics.add({
    step,
    time: 1.7e12 + 50 * step,
    loss,
    learningRate: 1e-3,
    gradNorm: 1,
    tokensPerSecond: 1e4,
    tokensSeen: 512 * step,
  });
}
metrics.close();
studio.store.setRunState(id, 'completed');

const server = await startServer({ context: { studio }, pages, host: '127.0.0.1', port: 0 });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const paints: number[] = [];
const opens: number[] = [];
for (let round = 0; round < 5; round++) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
  const page = await context.newPage();
  await page.goto(server.link);
  await page.getByRole('link', { name: 'a million steps' }).waitFor();
  paints.push((await page.evaluate(`performance.getEntriesByName('first-contentful-paint')[0].startTime`)) as number);
  const started = performance.now();
  await page.getByRole('link', { name: 'a million steps' }).click();
  await page.getByText(/^Loss\. Loss: from/).waitFor({ state: 'attached' });
  opens.push(performance.now() - started);
  await context.close();
}
const median = (values: number[]): string => values.sort((a, b) => a - b)[values.length >> 1]!.toFixed(0);
console.log(`first paint: ${median(paints)} ms`);
console.log(`a run of a million steps: drawn ${median(opens)} ms after the click`);
await browser.close();
await server.close();
studio.close();
fs.rmSync(home, { recursive: true, force: true });
