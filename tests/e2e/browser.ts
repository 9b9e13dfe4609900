import fs from 'node:fs';
import path from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, expect, onTestFinished } from 'vitest';
import { startServer } from '../../electron/api/transports/server.ts';
import { packageFile } from '../../electron/paths.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { tempDir } from '../temp.ts';

const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A Chromium of the system's; without one, tests in a browser are skipped by name. */
export const chromiumPath = candidates.find((p) => p !== undefined && fs.existsSync(p));

const pages = packageFile('dist/renderer');
export const hasBrowser = chromiumPath !== undefined && fs.existsSync(path.join(pages, 'index.html'));

let browser: Promise<Browser> | undefined;
afterAll(async () => {
  await (await browser)?.close();
  browser = undefined;
});

export interface OpenStudio {
  readonly studio: Studio;
  readonly home: string;
  readonly link: string;
  /** Another window on the same studio, let in by the link. */
  open(options?: BrowserContextOptions): Promise<Page>;
  close(): Promise<void>;
}

/** A studio with a home of its own, served to real browsers. */
export async function openStudio(home = tempDir()): Promise<OpenStudio> {
  const studio = Studio.open(home);
  const server = await startServer({ context: { studio }, pages, host: '127.0.0.1', port: 0 });
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await server.close();
    await studio.shutdown();
  };
  onTestFinished(close);
  return {
    studio,
    home,
    link: server.link,
    async open(options = {}) {
      browser ??= chromium.launch({ executablePath: chromiumPath!, args: ['--no-sandbox'] });
      const context = await (await browser).newContext({ viewport: { width: 1360, height: 900 }, ...options });
      onTestFinished(() => context.close());
      const page = await context.newPage();
      page.setDefaultTimeout(60_000);
      // What the page complains of is a failure, whatever the test looks at.
      page.on('pageerror', (error) => expect.fail(`the page threw: ${error.message}`));
      page.on('console', (message) => {
        if (message.type() === 'error' && !/WebSocket|net::ERR_/.test(message.text()))
          expect.fail(`the page logged: ${message.text()}`);
      });
      await page.goto(server.link);
      return page;
    },
    close,
  };
}

/** Goes to a page by its place in the address, and waits for its heading. */
export async function goTo(page: Page, place: string, heading: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(`#/${place}`)}`);
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
}

/** Expects nothing that keeps people out (WCAG 2.2 AA, as axe-core sees it). */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  // The page's content security policy lets nothing be injected but by the debugger.
  await page.evaluate(`${axe.source}; undefined`);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const found = (await page.evaluate(`axe.run(document, { runOnly: ${JSON.stringify(tags)} })`)) as axe.AxeResults;
  const violations = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join('; ')}`);
  expect(violations, what).toEqual([]);
}
