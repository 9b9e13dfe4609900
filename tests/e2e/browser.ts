import fs from 'node:fs';
import path from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, expect, onTestFinished } from 'vitest';
import { startServer } from '../../electron/api/transports/server.ts';
import { packageFile } from '../../electron/base/paths.ts';
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

/**
 * A studio with a home of its own, served to real browsers.
 * @param before is given the studio before it is served
 */
export async function openStudio(
  home = tempDir(),
  before: (studio: Studio) => unknown = () => {},
): Promise<OpenStudio> {
  const studio = Studio.open(home);
  before(studio);
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
      await watchErrors(context, page);
      await page.goto(server.link);
      return page;
    },
    close,
  };
}

/** What pages complained of that is no fault: a test that cuts a connection, or asks for what is refused, says so. */
const expected = new WeakMap<Page, RegExp[]>();

/**
 * What a page complains of while its studio is away: a connection that is closed under a request is refused, reset or
 * answered with nothing, as it falls.
 */
export const cutOff: readonly RegExp[] = [/WebSocket/, /net::ERR_/];

/** From now on the page may complain so. */
export function expectErrors(page: Page, ...complaints: readonly RegExp[]): void {
  expected.get(page)!.push(...complaints);
}

/**
 * Whatever a page complains of fails the test when it ends, whatever the test looked at: errors that nobody caught, promises
 * that nobody awaited, what is logged as an error, requests that failed, and what its content security policy refused.
 */
async function watchErrors(context: BrowserContext, page: Page): Promise<void> {
  const complaints: string[] = [];
  const fine: RegExp[] = [];
  expected.set(page, fine);
  page.on('pageerror', (error) => complaints.push(`threw: ${error.stack ?? error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.text().startsWith(violated)) complaints.push(`logged: ${message.text()}`);
  });
  page.on('crash', () => complaints.push('crashed'));
  page.on('requestfailed', (request) => {
    // A page that is left, or a file that is offered to be saved, needs nothing more.
    const { errorText = '' } = request.failure() ?? {};
    if (errorText !== 'net::ERR_ABORTED') complaints.push(`could not load ${request.url()}: ${errorText}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`got ${response.status()} for ${response.url()}`);
  });
  await context.addInitScript(`addEventListener('securitypolicyviolation', (e) =>
    console.warn(${JSON.stringify(violated)}, e.violatedDirective, e.blockedURI, e.sourceFile, e.lineNumber));`);
  onTestFinished(() => expect(complaints.filter((said) => !fine.some((may) => may.test(said)))).toEqual([]));
}

const violated = 'content security policy:';

/** Goes to a page by its place in the address, and waits for its heading. */
export async function goTo(page: Page, place: string, heading: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(`#/${place}`)}`);
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
}

/** Expects nothing that keeps people out (WCAG 2.2 AA, as axe-core sees it). */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  // The page's content security policy lets nothing be injected but by the debugger.
  await page.evaluate(`${axe.source}; undefined`);
  // There what sticks to the bottom covers nothing.
  await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const found = (await page.evaluate(`axe.run(document, { runOnly: ${JSON.stringify(tags)} })`)) as axe.AxeResults;
  const violations = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join('; ')}`);
  expect(violations, what).toEqual([]);
  await expectUniqueIds(page, what);
}

/** Expects that each id is one element's, and that what labels or describes something is there. */
export async function expectUniqueIds(page: Page, what: string): Promise<void> {
  const wrong = await page.evaluate(`(() => {
    const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
    const twice = ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => 'twice: ' + id);
    const refs = ['for', 'aria-labelledby', 'aria-describedby', 'aria-controls', 'aria-activedescendant'];
    const lost = refs.flatMap((ref) => [...document.querySelectorAll('[' + ref + ']')].flatMap((e) =>
      e.getAttribute(ref).split(/\\s+/).filter((id) => id && !document.getElementById(id)).map((id) => ref + ' without target: ' + id)));
    return [...twice, ...lost];
  })()`);
  expect(wrong, what).toEqual([]);
}
