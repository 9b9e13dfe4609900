import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import type { Studio } from '../../electron/studio/studio.ts';
import { lack, where } from '../frame/needs.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button, constant, onlyTraining, startRun } from './runs.ts';

/** Ended runs with a few losses each: the latest has the greatest number. @returns their ids */
function fill(studio: Studio, count: number): string[] {
  const config = parseRunConfig({
    model: { vocabSize: 257, contextLength: 64, nLayer: 1, nHead: 2, nEmbd: 64 },
    dataset: 'none',
    tokenizer: 'bytes',
    batch: 8,
    tokensPerStep: 512,
    phases: [{ kind: 'constant', steps: 20, from: 1e-3, to: 1e-3 }],
  });
  const { store } = studio;
  return Array.from({ length: count }, (_, i) => {
    const { id } = store.runs.create({ name: `run-${i}`, config, device: 'cpu', stepsTotal: 20, tokensTotal: 10_240 });
    store.events.add(id, 0, 'info', 'started', 'training on cpu from step 0');
    const start = store.events.list(id)[0]!.time;
    const metrics = store.metrics.writer(id);
    for (let step = 1; step <= 20; step++)
      metrics.add({ step, time: start + 1000 * step, loss: 4 + i / 1000 - step / 10, tokensSeen: 512 * step });
    metrics.close();
    store.runs.setState(id, 'completed');
    store.claims.release(id);
    return id;
  });
}

const rows = (page: Page) => page.locator('tbody tr[data-run]');
const names = (page: Page) => page.locator('tbody td.name a').allTextContents();
const selection = (page: Page) => page.getByRole('group', { name: 'Selected runs' });
const check = (page: Page, name: string) => page.getByRole('checkbox', { name: `Select ${name}`, exact: true });

where(describe, [hasBrowser, lack.browser])('the list of runs', () => {
  it('makes those rows alone that are seen, says how many there are, and reaches all of them', async () => {
    const opened = await openStudio();
    fill(opened.studio, 400);
    const page = await opened.open();
    await goTo(page, 'runs', 'Runs');
    await rows(page).first().waitFor();
    expect((await names(page))[0]).toBe('run-399');
    expect(await rows(page).count()).toBeLessThan(60);
    expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe('401');
    expect(await rows(page).first().getAttribute('aria-rowindex')).toBe('2');
    await page.getByText('400 runs', { exact: true }).waitFor();
    await expectAccessible(page, 'a long list of runs');
    // A curve of what is seen, and how long it took.
    await rows(page).first().getByRole('img', { name: 'Train loss from 4.2990 to 2.3990' }).waitFor();
    expect(await rows(page).first().textContent()).toContain('20s');

    await page.locator('.list').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await expect.poll(() => names(page)).toContain('run-0');
    expect(await rows(page).count()).toBeLessThan(60);
    expect(await rows(page).last().getAttribute('aria-rowindex')).toBe('401');
    await rows(page)
      .last()
      .getByRole('img', { name: /Train loss/ })
      .waitFor();
    // The heading stays in sight.
    const [list, head] = [
      (await page.locator('.list').boundingBox())!,
      (await page.locator('thead th').first().boundingBox())!,
    ];
    expect(Math.abs(head.y - list.y)).toBeLessThan(3);
  });

  it('keeps filter, order, columns and archive in the address: a reload and the way back show the same', async () => {
    const opened = await openStudio();
    fill(opened.studio, 12);
    const page = await opened.open();
    await goTo(page, 'runs', 'Runs');
    await page.getByPlaceholder('Name, ID, tag, dataset or note').fill('run-1');
    // The best first.
    await page.getByRole('button', { name: 'Train loss, nats/token' }).click();
    await expect.poll(() => names(page)).toEqual(['run-1', 'run-10', 'run-11']);
    await page.getByText('3 of 12 runs', { exact: true }).waitFor();
    await button(page, 'Columns').click();
    await page.getByRole('menuitemcheckbox', { name: 'Optimizer' }).click();
    await page.getByRole('menuitemcheckbox', { name: 'Progress' }).click();
    await expectAccessible(page, 'the choice of columns');
    await page.keyboard.press('Escape');
    await page.getByRole('columnheader', { name: 'Optimizer' }).waitFor();
    expect(await page.getByRole('columnheader', { name: 'Progress' }).count()).toBe(0);
    await expect.poll(() => page.url()).toMatch(/q=run-1.*sort=loss.*columns=/);

    const same = async () => {
      await expect.poll(() => names(page)).toEqual(['run-1', 'run-10', 'run-11']);
      expect(await page.getByRole('columnheader', { name: 'Train loss, nats/token' }).getAttribute('aria-sort')).toBe(
        'ascending',
      );
      await page.getByRole('columnheader', { name: 'Optimizer' }).waitFor();
    };
    await page.reload();
    await same();
    await page.getByRole('link', { name: 'run-10' }).click();
    await page.getByRole('heading', { level: 1, name: 'run-10' }).waitFor();
    await page.goBack();
    await same();
    // Another visit shows all runs, with the columns that were chosen.
    await page.getByRole('navigation').getByRole('link', { name: 'Runs' }).click();
    await page.getByText('12 runs', { exact: true }).waitFor();
    await page.getByRole('columnheader', { name: 'Optimizer' }).waitFor();
    await button(page, 'Columns').click();
    await page.getByRole('menuitem', { name: 'Default columns' }).click();
    await page.getByRole('columnheader', { name: 'Progress' }).waitFor();
    expect(await page.getByRole('columnheader', { name: 'Optimizer' }).count()).toBe(0);
  });

  it('acts on many: ranges, all that match, tags, archive, deletion; what is left out is said before', async () => {
    const opened = await openStudio();
    const { store } = opened.studio;
    const ids = fill(opened.studio, 30);
    const training = await startRun(opened, 'training now', [constant(100_000)], onlyTraining);
    const page = await opened.open();
    await goTo(page, 'runs', 'Runs');
    await check(page, 'run-28').click();
    await check(page, 'run-25').click({ modifiers: ['Shift'] });
    await selection(page).getByText('4 runs selected', { exact: true }).waitFor();
    await button(page, 'Compare 4 runs').waitFor();

    await button(page, 'Tag…').click();
    await page.getByRole('combobox', { name: 'Add tags' }).fill('sweep, late');
    await expectAccessible(page, 'tags of many');
    await button(page, 'Apply to 4 runs').click();
    await expect.poll(() => store.runs.get(ids[25]!).tags).toEqual(['sweep', 'late']);
    await page.getByText('4 runs tagged').waitFor();
    await button(page, 'Tag…').click();
    await page.getByRole('checkbox', { name: 'late' }).check();
    await button(page, 'Apply to 4 runs').click();
    await expect.poll(() => store.runs.get(ids[28]!).tags).toEqual(['sweep']);
    await button(page, 'Clear selection').click();

    // All that match: not more.
    await page.getByPlaceholder('Name, ID, tag, dataset or note').fill('sweep');
    await page.getByText('4 of 31 runs', { exact: true }).waitFor();
    await page.getByRole('checkbox', { name: 'Select all matching runs' }).click();
    await selection(page).getByText('4 runs selected', { exact: true }).waitFor();
    await page.getByPlaceholder('Name, ID, tag, dataset or note').fill('');
    await check(page, 'training now').click();
    await selection(page).getByText('5 runs selected', { exact: true }).waitFor();
    expect(
      await page
        .getByRole('checkbox', { name: 'Select all matching runs' })
        .evaluate((box: { indeterminate: boolean }) => box.indeterminate),
    ).toBe(true);

    await button(page, 'Archive').click();
    const dialog = page.getByRole('dialog', { name: 'Archive 4 runs?' });
    await dialog.getByText('1 run left out:').waitFor();
    await dialog.getByText('training now (training)').waitFor();
    await expectAccessible(page, 'a question about many runs');
    await dialog.getByRole('button', { name: 'Archive 4 runs' }).click();
    await expect.poll(() => store.runs.list({ archived: true }).length).toBe(4);
    await page.getByText('27 runs', { exact: true }).waitFor();

    // What trains is paused, and only that; what is paused may be stopped as it is.
    await check(page, 'training now').click();
    await check(page, 'run-24').click();
    await selection(page).getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByText('run-24 (not training)').waitFor();
    await button(page, 'Pause 1 run').click();
    await expect.poll(() => store.runs.get(training).state, { timeout: 20_000 }).toBe('paused');
    await selection(page).getByRole('button', { name: 'Stop', exact: true }).click();
    const question = page.getByRole('dialog', { name: 'Stop 1 run early?' });
    await question.getByText('run-24 (not training or paused)').waitFor();
    await question.getByText('can’t be resumed').waitFor();
    await expectAccessible(page, 'whether to stop many runs');
    await button(page, 'Stop 1 run early').click();
    await expect.poll(() => store.runs.get(training).stoppedEarly, { timeout: 20_000 }).toBe(true);
    const row = page.getByRole('row', { name: /training now/ });
    await row.getByText('stopped early').waitFor();
    await row.getByTitle(/^stopped early at step [\d,]+ of /).waitFor();
    // It is not found among those that have trained all of their steps.
    await page.getByLabel('State').selectOption('stopped early');
    await expect.poll(() => names(page)).toEqual(['training now']);
    await page.getByLabel('State').selectOption('All states');
    await button(page, 'Clear selection').click();

    // Archived runs are deleted, and stay where one is taken back.
    await button(page, 'Archived').click();
    await expect.poll(() => names(page)).toEqual(['run-28', 'run-27', 'run-26', 'run-25']);
    await check(page, 'run-28').click();
    await button(page, 'Unarchive').click();
    await button(page, 'Unarchive 1 run').click();
    await expect.poll(() => names(page)).toEqual(['run-27', 'run-26', 'run-25']);
    await page.getByRole('checkbox', { name: 'Select all matching runs' }).click();
    await button(page, 'Delete').click();
    await page.getByRole('dialog', { name: 'Delete 3 runs?' }).waitFor();
    await button(page, 'Delete 3 runs').click();
    await page.getByText('No archived runs').waitFor();
    expect(ids.filter((id) => store.runs.has(id))).toHaveLength(27);
  });

  it('says how long a run that trains still needs', async () => {
    const opened = await openStudio();
    await startRun(opened, 'long way', [constant(100_000)], onlyTraining);
    const page = await opened.open();
    await goTo(page, 'runs', 'Runs');
    await expect
      .poll(() => rows(page).first().textContent(), { timeout: 30_000 })
      .toMatch(/(\d+h \d\dm|\d+m \d\ds) left/);
    await rows(page)
      .first()
      .getByRole('img', { name: /Train loss/ })
      .waitFor();
  });
});
