import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { tempDir } from '../temp.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button, constant, startRun, state } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

where(describe, [hasBrowser, lack.browser])('a run that has ended', () => {
  it('is trained on, on a mix with new data, and shows which data fed which steps', async () => {
    const opened = await openStudio();
    const { home, studio } = opened;
    const file = path.join(tempDir(), 'news.txt');
    fs.writeFileSync(file, 'pack my box with five dozen liquor jugs. '.repeat(300));
    const { name: news } = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
    const id = await startRun(opened, 'daily', [constant(20)]);
    const { dataset: own } = studio.runs.configOf(studio.store.runs.get(id));
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'daily');
    await expect.poll(() => state(page).textContent()).toContain('completed');

    await button(page, 'Continue training').click();
    await page.getByLabel('Duration', { exact: true }).fill('12');
    await button(page, 'Use other data…').click();
    await button(page, 'Add dataset').click();
    await page.getByRole('combobox', { name: /^Data/ }).nth(1).selectOption(news);
    await page.getByLabel('Weight').nth(0).fill('-1');
    await page.getByText('Must be greater than 0.').waitFor();
    expect(await page.getByLabel('Weight').nth(0).getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel('Weight').nth(0).fill('3');
    await page.getByText('75 %').waitFor();
    await expectAccessible(page, 'phases of a run, edited');
    await button(page, 'Apply and continue').click();
    await page.getByText('step 32 of 32').waitFor();
    await expect.poll(() => state(page).textContent()).toContain('completed');

    expect(studio.runs.configOf(studio.store.runs.get(id)).phases[1]).toMatchObject({
      steps: 12,
      mix: [
        { dataset: own, weight: 3 },
        { dataset: news, weight: 1 },
      ],
    });
    const read = page.getByRole('region', { name: 'Data used' });
    await read.getByRole('row', { name: `${own} 0-100% 1–32` }).waitFor();
    await read.getByRole('row', { name: `${news} 0-100% 21–32` }).waitFor();
    await expectAccessible(page, 'phases of a run');
    // What it knows of either, each on its own validation data.
    const losses = studio.store.evals.list(id).filter((e) => e.kind === 'datasetLoss');
    expect(losses.map(({ step, dataset }) => [step, dataset])).toEqual([[32, news]]);
    const row = read.getByRole('row', { name: new RegExp(`^${news} `) });
    expect(await row.getByRole('cell').last().textContent()).toBe(losses[0]!.value.toFixed(4));
    await page.getByRole('tab', { name: 'Charts' }).click();
    const chart = page.locator('figure').filter({ has: page.getByRole('heading', { name: /^Loss by dataset/ }) });
    await expect
      .poll(() => chart.locator('.legend li').allTextContents())
      .toEqual([expect.stringContaining(own), expect.stringContaining(news)]);
    await expectAccessible(page, 'losses by dataset');
  });
});
