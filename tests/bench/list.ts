/**
 * Measures how long the list of runs takes with a thousand of them, in a real Chromium: `node tests/bench/list.ts` after
 * `npm run build`. The studio is served in a process of its own, as people have it.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { isThere, launch, median, timed } from './browser.ts';
import { serve } from './served.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    steps: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '7' },
  },
});
const [count, steps, rounds] = [Number(values.runs), Number(values.steps), Number(values.rounds)];
/** What is asked for: a list that is opened is usable no later. Milliseconds. */
const limitMs = 300;

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'trainyard-list-'));

function fill(): void {
  const studio = Studio.open(home);
  const { store } = studio;
  const config = parseRunConfig({
    model: { vocabSize: 257, contextLength: 64, nLayer: 2, nHead: 2, nEmbd: 64 },
    dataset: 'books',
    tokenizer: 'bytes',
    batch: 8,
    tokensPerStep: 512,
    phases: [{ kind: 'cosine', steps, from: 1e-3, to: 1e-4 }],
  });
  store.atomically(() => {
    for (let i = 0; i < count; i++) {
      const name = `run ${String(i).padStart(4, '0')}`;
      const { id } = store.runs.create({ name, config, device: 'cpu', stepsTotal: steps, tokensTotal: 512 * steps });
      if (i % 7 === 0) store.runs.update(id, { tags: ['sweep', `seed ${i % 5}`], notes: 'lower LR than before' });
      store.events.add(id, 0, 'info', 'started', 'training on cpu from step 0');
      const start = Date.now();
      const metrics = store.metrics.writer(id, { maxRows: steps });
      for (let step = 1; step <= steps; step++) {
        const loss = 2 + 3 * Math.exp((-8 * step) / steps) + 0.1 * Math.sin(step * 12.9898 + i);
        metrics.add({ step, time: start + 50 * step, loss, tokensPerSecond: 1e4, tokensSeen: 512 * step });
      }
      metrics.close();
      store.evals.add(id, steps, 'validation', 2 + (i % 100) / 100, { sequences: 4, tokens: 256, bytes: 256 });
      store.runs.setState(id, i % 11 === 0 ? 'paused' : 'completed');
      store.claims.release(id);
    }
  });
  studio.close();
}

const row = 'tbody tr[data-run] a';

fill();
const { link, stop } = await serve(home);
const browser = await launch();
const [first, again, sorted]: number[][] = [[], [], []];
let made = 0;
for (let round = 0; round < rounds; round++) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
  const page = await context.newPage();
  await page.goto(link.href);
  await page.locator(row).first().waitFor();
  // A window that is opened on the list: from the start of loading its page.
  await page.reload();
  first!.push(
    await page.evaluate(`new Promise((resolve) => {
      const look = () => document.querySelector(${JSON.stringify(row)})
        ? requestAnimationFrame(() => resolve(performance.now())) : requestAnimationFrame(look);
      look();
    })`),
  );
  made = await page.locator('tbody tr[data-run]').count();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
  again!.push(await timed(page, 'nav a[href="#/runs"]', isThere(row)));
  sorted!.push(await timed(page, 'thead th:nth-child(2) button', isThere('th[aria-sort=ascending]')));
  await context.close();
}
await browser.close();
await stop();
fs.rmSync(home, { recursive: true, force: true });

const ms = (times: number[] | undefined): string => `${median(times!).toFixed(0)} ms`;
console.log(`${count} runs of ${steps} steps, ${made} rows made:`);
console.log(`  the list, opened from another page: first usable row after ${ms(again)}`);
console.log(`  a window that loads on the list, program and all: first usable row after ${ms(first)}`);
console.log(`  sorted by name: ${ms(sorted)}`);
const opened = median(again!);
console.log(opened < limitMs ? `opened within ${limitMs} ms` : `NOT opened within ${limitMs} ms`);
process.exitCode = opened < limitMs ? 0 : 1;
