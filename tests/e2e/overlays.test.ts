import fs from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { packageFile } from '../../electron/base/paths.ts';
import { tempDir } from '../temp.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { makeScene, type Scene } from './pictures/scene.ts';
import { button } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

/** What opens over a page, or unfolds in it: the beginning of each in the source. */
const overlay =
  /<dialog\b|<(?:Modal|Confirm)\b|<(?:Popover|DropdownMenu|Dialog|Tooltip|Select|Combobox|Command|ContextMenu|Menubar)\.Root\b|role="combobox"|role="listbox"|<details\b/g;

/** How many each file has. */
function overlays(): Record<string, number> {
  const cwd = packageFile('renderer');
  const counts = fs.globSync('**/*.svelte', { cwd }).map((file) => {
    const source = fs.readFileSync(path.join(cwd, file), 'utf8');
    return [file.replaceAll(path.sep, '/'), source.match(overlay)?.length ?? 0] as const;
  });
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

interface Shown {
  readonly page: Page;
  readonly scene: Scene;
  readonly text: string;
}
/** Opens one. @returns what is seen of it */
type Open = (shown: Shown) => Promise<Locator>;

const dialog = (page: Page): Locator => page.getByRole('dialog').filter({ visible: true });

/** Opens a dialog by a page's button. */
const asked =
  (place: string, heading: string, name: string): Open =>
  async ({ page }) => {
    await goTo(page, place, heading);
    await button(page, name).click();
    return dialog(page);
  };

/** Opens what folds on a page, by what is written there. */
const unfold =
  (place: string, heading: string, summary: string): Open =>
  async ({ page }) => {
    await goTo(page, place, heading);
    const details = page.locator('details').filter({ has: page.locator('summary', { hasText: summary }) });
    await details.locator('summary').first().click();
    return details.locator(':scope[open]');
  };

async function tab({ page, scene }: Shown, name: string): Promise<void> {
  await goTo(page, `run/${scene.full}`, 'stories, lr 1e-3');
  await page.getByRole('tab', { name }).click();
}

async function pick({ page }: Shown): Promise<void> {
  await goTo(page, 'runs', 'Runs');
  for (const name of ['a dozen steps', 'one step']) await page.getByLabel(name, { exact: false }).first().check();
}

const palette: Open = async ({ page }) => {
  await page.keyboard.press('Control+k');
  await page.getByRole('option').first().waitFor();
  return page.getByRole('combobox', { name: 'Search commands' });
};
const tags: Open = async ({ page, scene }) => {
  await goTo(page, `run/${scene.one}`, 'one step');
  await page.getByRole('combobox', { name: 'Add tag' }).press('ArrowDown');
  return page.locator('[role=option][data-highlighted]');
};
const settings: Open = async (shown) => {
  await unfold('new', 'New run', 'Model & training')(shown);
  const folded = shown.page.locator('details details');
  await folded.first().waitFor();
  for (const one of await folded.all()) await one.locator('summary').click();
  return folded.last().locator(':scope[open]');
};

/** By the file that they are in, in order: each by one of the places that have it. */
const openers: Readonly<Record<string, readonly Open[]>> = {
  'ui/Modal.svelte': [palette],
  'ui/Palette.svelte': [palette, palette],
  'ui/Confirm.svelte': [asked('samples', 'Samples', 'Delete all')],
  'ui/Help.svelte': [
    async (shown) => {
      await settings(shown);
      await shown.page
        .getByRole('button', { name: /^About/ })
        .first()
        .click();
      return shown.page.locator('.help-card');
    },
  ],
  'ui/TagField.svelte': [tags],
  'charts/Chart.svelte': [
    async ({ page, scene }) => {
      await goTo(page, `run/${scene.full}`, 'stories, lr 1e-3');
      await page.getByRole('button', { name: 'Fullscreen' }).first().click();
      return dialog(page);
    },
  ],
  'charts/EventRow.svelte': [
    async ({ page, scene }) => {
      await goTo(page, `run/${scene.full}`, 'stories, lr 1e-3');
      // Whole, so that nothing scrolls away from under the pointer.
      await page.setViewportSize({ width: 1360, height: 3000 });
      await page.locator('.chart-event').first().hover();
      return page.locator('.chart-event-tip');
    },
  ],
  'pages/data/Data.svelte': [
    async ({ page }) => {
      await goTo(page, 'data', 'Data');
      await page.getByRole('region', { name: 'unused' }).getByRole('button', { name: 'Delete' }).click();
      return dialog(page);
    },
  ],
  'pages/data/PrepareText.svelte': [unfold('data', 'Data', 'Filter documents')],
  'pages/data/PreviewText.svelte': [
    async ({ page, text }) => {
      await goTo(page, 'data', 'Data');
      await page.getByLabel('Drop files, browse, or paste paths').fill(text);
      await page.getByText('Files and formats').click();
      return page.getByRole('region', { name: 'Files and formats' });
    },
  ],
  'pages/evals/Evals.svelte': [unfold('evals', 'Evals', 'Evaluation settings')],
  'pages/new/NewRun.svelte': [
    unfold('new', 'New run', 'Where the numbers come from'),
    unfold('new', 'New run', 'Model & training'),
    unfold('new', 'New run', 'Config'),
  ],
  'pages/new/RunSettings.svelte': [settings],
  'pages/run/Checkpoints.svelte': [
    async (shown) => {
      await tab(shown, 'Checkpoints');
      await button(shown.page, 'Delete').first().click();
      return dialog(shown.page);
    },
  ],
  'pages/run/Config.svelte': [
    async (shown) => {
      await tab(shown, 'Config');
      await shown.page.getByText('Full config').click();
      return shown.page.locator('details[open] pre');
    },
  ],
  'pages/run/Controls.svelte': [
    async ({ page, scene }) => {
      await goTo(page, `run/${scene.training}`, 'overnight');
      await button(page, 'Stop').click();
      return dialog(page);
    },
    async ({ page, scene }) => {
      await goTo(page, `run/${scene.archived}`, 'an older try');
      await button(page, 'Delete run').click();
      return dialog(page);
    },
  ],
  'pages/run/ExportModel.svelte': [
    async (shown) => {
      await tab(shown, 'Checkpoints');
      await button(shown.page, 'Export').first().click();
      return dialog(shown.page);
    },
  ],
  'pages/runs/BulkBar.svelte': [
    async (shown) => {
      await pick(shown);
      await button(shown.page, 'Archive').click();
      return dialog(shown.page);
    },
  ],
  'pages/runs/Columns.svelte': [
    async ({ page }) => {
      await goTo(page, 'runs', 'Runs');
      await page.getByRole('button', { name: 'Columns' }).click();
      return page.getByRole('menu');
    },
  ],
  'pages/runs/ImportModel.svelte': [asked('runs', 'Runs', 'Import model')],
  'pages/runs/TagRuns.svelte': [
    async (shown) => {
      await pick(shown);
      await button(shown.page, 'Tag…').click();
      await dialog(shown.page).getByRole('combobox', { name: 'Add tags' }).press('ArrowDown');
      return dialog(shown.page).locator('[role=option][data-highlighted]');
    },
  ],
  'pages/samples/GeneratedText.svelte': [
    async ({ page }) => {
      await goTo(page, 'samples', 'Samples');
      await button(page, 'Probabilities').click();
      await page.locator('main [role=listbox]').press('ArrowRight');
      return page.locator('main [role=option][aria-selected=true]');
    },
  ],
  'pages/samples/History.svelte': [asked('samples', 'Samples', 'Delete all')],
  'pages/settings/Log.svelte': [unfold('settings', 'Settings', 'Log')],
};

const isOfRun = (file: string): boolean => /^pages\/runs?\//.test(file);
/** Each has some minutes on a machine that is busy. */
const groups: readonly (readonly [name: string, isOne: (file: string) => boolean])[] = [
  ['runs', isOfRun],
  ['what pages share', (file) => !file.startsWith('pages/')],
  ['other pages', (file) => file.startsWith('pages/') && !isOfRun(file)],
];

describe('what opens over a page', () => {
  it('is opened here: a new one is missed', () => {
    const known = Object.entries(openers).map(([file, all]) => [file, all.length] as const);
    expect(Object.fromEntries(known)).toEqual(overlays());
  });
});

where(describe, [hasBrowser, lack.browser])('dialogs, menus and what unfolds', () => {
  it.each(groups)('keep nobody out while they are open, by light and dark: %s', async (_, isOne) => {
    const opened = await openStudio(undefined, (studio) => vi.spyOn(studio.jobs, 'work').mockImplementation(() => {}));
    const scene = await makeScene(opened.studio, { longSteps: 2000 });
    const text = path.join(tempDir(), 'text');
    fs.mkdirSync(text);
    for (const name of ['one.txt', 'two.txt']) fs.writeFileSync(path.join(text, name), 'a sentence. '.repeat(400));
    await prepareDataset({ home: opened.home, inputs: [text], tokenizer: 'bytes', name: 'unused' });
    const page = await opened.open();
    page.setDefaultTimeout(20_000);
    const check = async (open: Open): Promise<void> => {
      await page.setViewportSize({ width: 1360, height: 900 });
      await goTo(page, 'settings', 'Settings');
      await page.reload();
      await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
      const seen = (await open({ page, scene, text })).first();
      await seen.waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await expect.poll(() => page.evaluate('document.documentElement.dataset.theme')).toBe(colorScheme);
        await expectAccessible(page, colorScheme);
      }
      expect(await seen.isVisible(), 'it stays open').toBe(true);
    };
    const wrong: string[] = [];
    for (const [file, all] of Object.entries(openers).filter(([file]) => isOne(file)))
      // One that stands for several in its file is opened once.
      for (const [i, open] of [...new Set(all)].entries())
        await check(open).catch((error: Error & { actual?: unknown }) =>
          wrong.push(`${file}, ${i + 1}: ${error.message} ${JSON.stringify(error.actual ?? '')}`),
        );
    expect(wrong).toEqual([]);
  });
});
