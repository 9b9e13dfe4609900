/**
 * Every page, and every state of a chart, as they are drawn, beside the pictures in `reference`. `npm run pictures:update` makes those anew:
 * look at what changed before it is committed.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { packageFile } from '../../../electron/base/paths.ts';
import type { Studio } from '../../../electron/studio/studio.ts';
import { goTo, hasBrowser, openStudio } from '../browser.ts';
import { lack, where } from '../../frame/needs.ts';
import { decode, toPng, toWebp } from './codec.ts';
import { differing, marked, tolerance } from './compare.ts';
import { makeScene, type Scene, shownAt } from './scene.ts';

// Ids of runs are seen.
vi.mock('../../../electron/studio/store/ids.ts', async (original) => {
  let count = 0;
  const randomId = (): string => `calm-otter-${(0x3f2a + 0x111 * count++).toString(16)}`;
  return { ...(await original<object>()), randomId };
});

process.env.FONTCONFIG_FILE = path.join(import.meta.dirname, 'fonts.conf');
const hasFonts = fs.globSync('/usr/share/fonts/**/LiberationSans-Regular.ttf').length > 0;

const reference = path.join(import.meta.dirname, 'reference');
/** Where a developer finds what differs. */
const found = packageFile('dist/pictures');
/** What `update.ts` asks for: pictures to be made anew, by the beginnings of their names; all where none is named. */
const { TRAINYARD_PICTURES: asked } = process.env;
const isUpdate = asked !== undefined;
const isAsked = (name: string): boolean => !asked || asked.split(',').some((start) => name.startsWith(start));

const looks = {
  light: { viewport: { width: 1280, height: 800 } },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  small: { viewport: { width: 900, height: 600 } },
  // A window of 1280 × 800 at 200 %.
  zoomed: { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
} satisfies Record<string, BrowserContextOptions>;
type Look = keyof typeof looks;

interface Shown {
  readonly at: string;
  readonly heading: string;
  /** What is there besides once it is all there. */
  readonly until?: string;
  /** How else it is looked at than by light. */
  readonly looks?: readonly Look[];
  /** What is seen at the top. */
  readonly to?: string;
}

const shown = (s: Scene): Record<string, Shown> => ({
  runs: { at: 'runs', heading: 'Runs', until: 'tbody tr[data-run] a', looks: ['dark', 'small', 'zoomed'] },
  new: { at: 'new', heading: 'New run', until: '.start-bar dd', looks: ['dark', 'small', 'zoomed'] },
  run: { at: `run/${s.full}`, heading: 'stories, lr 1e-3', until: 'canvas', looks: ['dark', 'small', 'zoomed'] },
  charts: { at: `run/${s.full}`, heading: 'stories, lr 1e-3', until: 'canvas', looks: ['dark', 'small'], to: 'figure' },
  compare: { at: `compare/${s.full},${s.lower}`, heading: 'Compare runs', until: 'canvas', looks: ['dark', 'small'] },
  memory: { at: 'memory', heading: 'Memory calculator', looks: ['dark', 'small'] },
  suggest: { at: 'memory', heading: 'Memory calculator', until: '#suggest', looks: ['small'], to: '#suggest' },
  evals: { at: 'evals', heading: 'Evals', until: 'canvas', looks: ['dark', 'small'] },
  samples: { at: `samples/${s.full}/2000`, heading: 'Samples', looks: ['dark', 'small'] },
  data: { at: 'data', heading: 'Data', until: 'h2:has-text("stories")', looks: ['dark'] },
  jobs: { at: 'jobs', heading: 'Jobs', until: 'table', looks: ['dark', 'small'] },
  settings: { at: 'settings', heading: 'Settings', until: '[aria-labelledby=devices] table', looks: ['dark'] },
  'chart-one-point': { at: `run/${s.one}`, heading: 'one step', until: 'canvas', to: 'figure' },
  'chart-nan': { at: `run/${s.diverged}`, heading: 'learning rate too high', until: 'canvas', to: 'figure' },
  'chart-long': { at: `run/${s.long}`, heading: 'a long run', until: 'canvas', to: 'figure' },
  'chart-short': { at: `run/${s.short}`, heading: 'a dozen steps', until: 'canvas', to: 'figure' },
});

/** What is another one on each machine or each time, and isn't drawn. */
const volatile = `
  [aria-labelledby=home] p, [aria-labelledby=devices] table, .start-bar dl > :first-child dd, .times
    { visibility: hidden }
  .start-bar .stale dt { color: var(--text-2) !important }
  .start-bar .stale dd { color: var(--text) !important }
  .start-bar dl > :first-child { width: 8rem; overflow: hidden }
  .times { height: 3rem; overflow: hidden }
  [aria-labelledby=devices] table { display: block; height: 6rem }
`;

/** Memory is held against a GPU of the table: what is free here is another number each time. */
const prepare = `
  localStorage.setItem('budget', '{"kind":"gpu","id":"rtx-3060-12gb","reserveMiB":512}');
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(${JSON.stringify(volatile)});
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
`;

/** What is planned for one look at a page is what the next one shows, too. */
function planOnce({ planner }: Studio): void {
  const plan = planner.ask.bind(planner) as (kind: string, input: unknown) => Promise<unknown>;
  const plans = new Map<string, Promise<unknown>>();
  vi.spyOn(planner, 'ask').mockImplementation(((kind: string, input: unknown) => {
    const key = JSON.stringify([kind, input]);
    const made = plans.get(key) ?? plan(kind, input);
    plans.set(key, made);
    return made;
  }) as typeof planner.ask);
}

/** A picture of what is there once two of them are alike and nothing is computed any more. */
async function steady(page: Page): Promise<Buffer> {
  let last: Buffer = Buffer.alloc(0);
  const until = performance.now() + 60_000;
  while (performance.now() < until) {
    await page.waitForTimeout(50);
    if (
      (await page
        .getByText(/Recalculating|Loading…|Timing/)
        .filter({ visible: true })
        .count()) > 0
    )
      continue;
    const next = await page.screenshot({ animations: 'disabled', caret: 'hide' });
    if (next.equals(last)) return next;
    last = next;
  }
  throw new Error('the page does not come to rest');
}

where(
  describe,
  [hasBrowser, lack.browser],
  [hasFonts, lack.fonts],
)('pictures', () => {
  it('of every page and state of a chart are as they were', async () => {
    vi.spyOn(os, 'totalmem').mockReturnValue(32 * 2 ** 30);
    const opened = await openStudio(undefined, (studio) => {
      // Nothing is begun of what is queued.
      vi.spyOn(studio.jobs, 'work').mockImplementation(() => {});
      planOnce(studio);
    });
    const scene = await makeScene(opened.studio);
    fs.rmSync(found, { recursive: true, force: true });
    const empty = await (await opened.open()).context().newPage();
    const off: string[] = [];
    const names = new Set<string>();
    for (const [look, options] of Object.entries(looks) as [Look, BrowserContextOptions][]) {
      const page = await opened.open({ ...options, timezoneId: 'UTC', locale: 'en-GB', reducedMotion: 'reduce' });
      await page.clock.setFixedTime(shownAt);
      await page.addInitScript(prepare);
      await page.reload();
      for (const [name, { at, heading, until, looks: more = [], to }] of Object.entries(shown(scene))) {
        if ((look !== 'light' && !more.includes(look)) || !isAsked(name)) continue;
        const full = look === 'light' ? name : `${name}-${look}`;
        names.add(`${full}.webp`);
        await goTo(page, at, heading);
        if (until) await page.locator(`main ${until}`).first().waitFor({ state: 'attached' });
        await page
          .locator(to ?? 'body')
          .first()
          .evaluate((e) => (e as unknown as { scrollIntoView(): void }).scrollIntoView());
        const made = await steady(page);
        const file = path.join(reference, `${full}.webp`);
        if (isUpdate) {
          fs.writeFileSync(file, await toWebp(empty, made));
          continue;
        }
        if (!fs.existsSync(file)) {
          off.push(`${full}: there is no picture of it`);
          continue;
        }
        const kept = await decode(empty, fs.readFileSync(file), 'webp');
        const difference = differing(kept, await decode(empty, made, 'png'));
        if (difference && difference.share <= tolerance.share) continue;
        fs.mkdirSync(found, { recursive: true });
        fs.writeFileSync(path.join(found, `${full}.png`), made);
        if (difference)
          fs.writeFileSync(
            path.join(found, `${full}.difference.png`),
            await toPng(empty, marked(kept, difference.where)),
          );
        off.push(`${full}: ${difference ? `${(100 * difference.share).toFixed(2)} % differ` : 'another size'}`);
      }
      await page.context().close();
    }
    if (asked === '')
      for (const file of fs.readdirSync(reference)) if (!names.has(file)) fs.rmSync(path.join(reference, file));
    expect(off, `dist/pictures has what was drawn and what differs; \`npm run pictures:update\` keeps it`).toEqual([]);
    // Half a minute, on a machine that has nothing else to do.
  }, 900_000);
});
