import path from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { defectMessage, logDefect } from '../../electron/base/log.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';
import { button } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

/** What is said of a field, by what describes it. */
const problemOf = (page: Page, label: string): Promise<string | null> =>
  page.getByLabel(label, { exact: true }).evaluate((field) => {
    const { document } = field.ownerDocument.defaultView!;
    const id = field.getAttribute('aria-describedby');
    return field.getAttribute('aria-invalid') === 'true' && id
      ? document.getElementById(id)!.textContent!.trim()
      : null;
  });

async function opened() {
  const studio = await openStudio();
  const rows = rowsOf(300, (step) => 4 - step / 300);
  const id = await measuredRun(studio.studio, 'stories', { rows, evals: [{ step: 300, value: 3 }] });
  for (const step of [100, 300])
    studio.studio.store.checkpoints.add(id, {
      step,
      path: path.join(studio.home, 'runs', id, 'checkpoints', `step-${step}`),
      bytes: 1,
      best: step === 300,
    });
  return { ...studio, id, page: await studio.open() };
}

where(describe, [hasBrowser, lack.browser])('what is wrong with a form is said at its field', () => {
  it('on Samples, and nothing is written meanwhile', async () => {
    const { page } = await opened();
    await goTo(page, 'samples', 'Samples');
    const write = button(page, 'Generate');
    await expect.poll(() => write.isEnabled()).toBe(true);
    expect(await page.getByLabel('Checkpoint').locator('option').allTextContents()).toEqual([
      'step 100',
      expect.stringMatching(/^step 300/),
    ]);
    for (const [label, typed, said, good] of [
      ['Max new tokens', '0', 'Must be at least 1.', '200'],
      ['Max new tokens', '1e30', 'Must be at most 100,000.', '200'],
      ['Max new tokens', '2.5', 'Enter a whole number.', '200'],
      ['Max new tokens', '', 'Enter a number.', '200'],
      ['Temperature', '-1', 'Must be at least 0.', '0'],
      ['Top-k (0 = off)', '70000', 'Must be at most 65,536.', '0'],
      ['Top-p (1 = off)', '0', 'Must be greater than 0.', '0.005'],
      ['Repetition penalty', '0', 'Must be at least 0.01.', '1'],
      ['Seed', '1e300', 'Must be at most 9,007,199,254,740,991.', '1'],
      ['Stop sequences', 'a\n'.repeat(21), 'Must have at most 20 lines.', ''],
    ] as const) {
      await page.getByLabel(label, { exact: true }).fill(typed);
      await expect.poll(() => problemOf(page, label), { message: `${label} ${typed}` }).toBe(said);
      expect(await write.isDisabled(), `${label} ${typed}`).toBe(true);
      await page.getByLabel(label, { exact: true }).fill(good);
      await expect.poll(() => problemOf(page, label)).toBe(null);
      expect(await write.isEnabled(), `${label} ${good}`).toBe(true);
    }
    await expectAccessible(page, 'Samples');
  });

  it('on Evals, also where the settings are folded away', async () => {
    const { page } = await opened();
    await goTo(page, 'evals', 'Evals');
    const settings = page.getByText('Evaluation settings');
    await settings.click();
    const [loss, hellaswag] = [button(page, 'Run validation').first(), button(page, 'Run HellaSwag').first()];
    await page.getByLabel('Sequences').fill('');
    await expect.poll(() => problemOf(page, 'Sequences')).toBe('Enter a number.');
    expect([await loss.isDisabled(), await hellaswag.isDisabled()]).toEqual([true, false]);
    await page.getByLabel('HellaSwag items').fill('0.5');
    await expect.poll(() => problemOf(page, 'HellaSwag items')).toBe('Must be at least 1.');
    expect([await loss.isDisabled(), await hellaswag.isDisabled()]).toEqual([true, true]);
    await settings.click();
    await page.getByText('2 problems').waitFor();
    await settings.click();
    // In a narrow window the table scrolls, and no button is narrower than its text.
    await page.setViewportSize({ width: 800, height: 600 });
    const texts = await Promise.all(
      [loss, hellaswag].map((b) =>
        b.evaluate(({ scrollWidth, clientWidth, clientHeight }) => [scrollWidth - clientWidth, clientHeight < 30]),
      ),
    );
    expect(texts).toEqual([
      [0, true],
      [0, true],
    ]);
    await page.getByLabel('Sequences').fill('10');
    await page.getByLabel('HellaSwag items').fill('10');
    await page.getByText(/\d problem/).waitFor({ state: 'detached' });
    expect([await loss.isDisabled(), await hellaswag.isDisabled()]).toEqual([false, false]);
  });

  it('of a look into a dataset', async () => {
    const { page } = await opened();
    await goTo(page, 'data', 'Data');
    await button(page, 'Preview').click();
    await page.locator('pre').getByText('sea shells').first().waitFor();
    for (const [typed, said] of [
      ['-1', 'Must be at least 0.'],
      ['1.5', 'Enter a whole number.'],
      ['', 'Enter a number.'],
      ['40', null],
    ] as const) {
      await page.getByLabel('Offset (tokens)').fill(typed);
      await expect.poll(() => problemOf(page, 'Offset (tokens)')).toBe(said);
    }
    await page.getByText(/^40 …/).waitFor();
    expect(await page.getByRole('alert').getByText(/./).count()).toBe(0);
  });

  it('in a run’s phases, for as long as that is what is typed', async () => {
    const { page, id } = await opened();
    await goTo(page, `run/${id}`, 'stories');
    await button(page, 'Continue training').click();
    const length = page.getByLabel('Duration');
    const [apply, train] = [button(page, 'Apply'), button(page, 'Apply and continue')];
    for (const [typed, said] of [
      ['-3', 'Must be at least 1.'],
      ['', 'Enter a number.'],
      [' 1e30 ', 'Must be at most 1,000,000,000.'],
    ] as const) {
      await length.fill(typed);
      // Nothing needs to be applied to hear of it.
      await expect.poll(() => problemOf(page, 'Duration'), { message: typed }).toBe(said);
      expect([await apply.isDisabled(), await train.isDisabled()], typed).toEqual([true, true]);
    }
    // A decimal comma is not left out: 0,001 would be a rate of 1.
    await length.fill('20');
    await page.getByLabel('LR').last().fill('0,001');
    await expect.poll(() => page.getByLabel('LR').last().getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel('LR').last().fill('0.001');
    await expect.poll(() => apply.isEnabled()).toBe(true);
    expect(await length.getAttribute('aria-invalid')).toBe(null);
    await apply.click();
    await button(page, 'Edit upcoming phases').waitFor();
  });
});

where(it, [hasBrowser, lack.browser])('a run that failed for a defect leads to the log', async () => {
  const { page, id, studio, home } = await opened();
  const defect = new RangeError('index 12 is out of range');
  const file = logDefect(home, `run ${id}`, defect);
  studio.store.runs.setState(id, 'training');
  studio.store.runs.setState(id, 'failed', defectMessage(defect, file));
  await goTo(page, `run/${id}`, 'stories');
  await page.getByText(/index 12 is out of range/).waitFor();
  await page.getByRole('link', { name: 'Show log' }).click();
  await page.getByRole('region', { name: 'Log' }).getByText('RangeError: index 12').waitFor();
  studio.store.runs.setState(id, 'training');
  studio.store.runs.setState(id, 'failed', 'The disk is full.');
  await goTo(page, `run/${id}`, 'stories');
  await page.getByText('The disk is full.').waitFor();
  expect(await page.getByRole('link', { name: 'Show log' }).count()).toBe(0);
});

where(it, [hasBrowser, lack.browser])('Start is disabled for as long as there are problems', async () => {
  const { page } = await opened();
  await goTo(page, 'new', 'New run');
  await page.getByRole('button', { name: /^nano/ }).click();
  const start = button(page, 'Start training');
  expect(await start.isDisabled()).toBe(true);
  await page
    .getByRole('combobox', { name: /^Dataset/ })
    .first()
    .selectOption({ index: 1 });
  await expect.poll(() => start.isEnabled()).toBe(true);
  const length = page.getByLabel('Duration').first();
  for (const typed of ['0', '-5', '1e30', 'soon', '']) {
    await length.fill(typed);
    await expect.poll(() => length.getAttribute('aria-invalid'), { message: typed }).toBe('true');
    expect(await start.isDisabled(), typed).toBe(true);
  }
  await length.fill('100');
  await expect.poll(() => start.isEnabled()).toBe(true);
  expect(await length.getAttribute('aria-invalid')).toBe(null);
});
