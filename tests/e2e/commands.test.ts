import { describe, expect, it } from 'vitest';
import { readSettings } from '../../electron/studio/settings.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button, chord, constant, onlyTraining, startRun, state } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

where(describe, [hasBrowser, lack.browser])('commands', () => {
  it('of a run are given by keys and by name, where they can be given', async () => {
    const opened = await openStudio();
    // Nothing is evaluated or saved but what is asked for.
    const id = await startRun(opened, 'keyed', [constant(50_000)], onlyTraining);
    const page = await opened.open();
    await goTo(page, 'runs', 'Runs');
    await page.keyboard.press('p'); // nothing is paused from here
    await goTo(page, `run/${id}`, 'keyed');
    await expect.poll(() => state(page).textContent()).toContain('training: constant');
    await page.keyboard.press('c');
    await expect.poll(() => opened.studio.store.checkpoints.list(id).length).toBe(1);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('pause');
    await page.keyboard.press('Enter');
    await expect.poll(() => state(page).textContent()).toContain('paused');
    await button(page, 'Pause').waitFor({ state: 'detached' });
    await page.keyboard.press('r');
    await expect.poll(() => state(page).textContent()).toContain('training: constant');
    // One before the other is answered: a pause is never lost.
    await chord(page, 'e', 'p');
    await expect.poll(() => state(page).textContent()).toContain('paused');
    await page.keyboard.press('r');
    await expect.poll(() => state(page).textContent()).toContain('training: constant');
    await page.keyboard.press('x');
    await button(page, 'Cancel').waitFor();
    await page.keyboard.press('Escape');
    await button(page, 'Cancel').waitFor({ state: 'hidden' });

    await chord(page, 'g', ',');
    await page.getByLabel('Single-key shortcuts').uncheck();
    await goTo(page, `run/${id}`, 'keyed');
    const evals = opened.studio.store.evals.list(id).length;
    await page.keyboard.press('p');
    // Sent behind whatever the key could have sent: a run that had been paused would not evaluate.
    await button(page, 'Run validation').click();
    await expect.poll(() => opened.studio.store.evals.list(id).length).toBe(evals + 1);
    await expect.poll(() => state(page).textContent()).toContain('training: constant');
    await chord(page, 'g', 'r');
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
  });

  it('of a checkpoint: keep it, evaluate it, generate from it', async () => {
    const opened = await openStudio();
    const id = await startRun(opened, 'kept', [constant(300)]);
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'kept');
    await page.getByRole('tab', { name: 'Checkpoints' }).click();
    await expect.poll(() => state(page).textContent()).toContain('completed');
    await page.getByLabel('Pin checkpoint at step 300').check();
    await expect.poll(() => opened.studio.store.checkpoints.list(id).at(-1)).toMatchObject({ step: 300, kept: true });
    await expectAccessible(page, 'checkpoints');
    await page.getByRole('link', { name: 'Evaluate' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Evals' }).waitFor();
    await page.getByText('Evaluation settings').click();
    await page.getByLabel('Sequences').fill('2');
    await page.locator('tr.wanted').getByRole('button', { name: 'Run validation' }).first().click();
    await page.getByText('2 sequences').waitFor();
    await page.goBack();
    await page.getByRole('tab', { name: 'Checkpoints' }).click();
    await page.getByRole('link', { name: 'Generate' }).first().click();
    await page.getByLabel('Max new tokens').fill('5');
    await button(page, 'Generate').click();
    await button(page, 'Stop').waitFor({ state: 'detached' });
  });

  it('choose a theme that other windows and the next start have, too', async () => {
    const opened = await openStudio();
    const page = await opened.open({ colorScheme: 'light' });
    await goTo(page, 'settings', 'Settings');
    await page.getByLabel('Dark', { exact: true }).check();
    await expect.poll(() => readSettings(opened.home).theme).toBe('dark');
    const other = await opened.open({ colorScheme: 'light' });
    await goTo(other, 'runs', 'Runs');
    await expect.poll(() => other.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    await page.getByLabel('Notify me when a run finishes').uncheck();
    await expect.poll(() => readSettings(opened.home).notifications).toBe(false);
  });
});
