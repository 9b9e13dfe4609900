/**
 * Measures a newcomer's way in a real Chromium: from the first start, with an empty home, until something trains:
 * `node tests/bench/newcomer.ts` after `npm run build`. What people do is counted at what it takes them (Card, Moran and Newell 1980:
 * 1.35 s to decide, 1.1 s to point, 0.2 s to click), what they wait for is measured.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { generateStories } from '../../electron/data/stories/index.ts';
import { launch } from './browser.ts';
import { serve } from './served.ts';

const clickMs = 1350 + 1100 + 200;
/** What is asked for: of their time, until it trains. Milliseconds. */
const limitMs = 60_000;

const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'trainyard-newcomer-')), 'stories.txt');
fs.writeFileSync(file, generateStories({ seed: 1, bytes: 1_000_000 }));

/** What they do and wait for, one after another. */
class Path {
  clicks = 0;
  waitedMs = 0;
  async click(what: () => Promise<unknown>): Promise<void> {
    this.clicks++;
    await this.wait(what);
  }
  async wait(what: () => Promise<unknown>): Promise<void> {
    const started = performance.now();
    await what();
    this.waitedMs += performance.now() - started;
  }
  get totalMs(): number {
    return this.clicks * clickMs + this.waitedMs;
  }
}

const ways: Readonly<Record<string, (page: Page, way: Path) => Promise<void>>> = {
  'sample stories': async (page, way) => {
    await way.click(() => page.getByRole('button', { name: 'Train on sample stories' }).click());
  },
  'a text file of their own': async (page, way) => {
    await way.click(() => page.getByRole('link', { name: 'New run' }).first().click());
    const chooser = page.waitForEvent('filechooser');
    await way.click(() => page.getByRole('button', { name: 'Browse…' }).click());
    // In the dialog of the system: the file, then Open.
    way.clicks += 2;
    await way.wait(async () => (await chooser).setFiles(file));
    await way.click(() => page.getByRole('button', { name: 'Start training' }).click());
  },
};

const browser = await launch();
let isQuick = true;
for (const [name, walk] of Object.entries(ways)) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'trainyard-newcomer-'));
  const way = new Path();
  const started = performance.now();
  const { link, stop } = await serve(home);
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
  const page = await context.newPage();
  await page.goto(link.href);
  await page.getByRole('button', { name: 'Train on sample stories' }).waitFor();
  way.waitedMs += performance.now() - started;
  const startMs = way.waitedMs;
  await walk(page, way);
  const curve = page.getByText(/Train loss: from/).first();
  await way.wait(() => curve.waitFor({ state: 'attached', timeout: 300_000 }));
  await context.close();
  await stop();
  fs.rmSync(home, { recursive: true, force: true });
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  console.log(
    `${name}: a first loss ${seconds(way.totalMs)} after the first start: ${seconds(startMs)} until the page is there, ` +
      `${way.clicks} clicks (${seconds(way.clicks * clickMs)}), ${seconds(way.waitedMs - startMs)} of waiting`,
  );
  isQuick &&= way.totalMs <= limitMs;
}
await browser.close();
fs.rmSync(path.dirname(file), { recursive: true, force: true });
console.log(isQuick ? `within ${limitMs / 1000} s` : `NOT within ${limitMs / 1000} s`);
process.exitCode = isQuick ? 0 : 1;
