import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button, constant, startRun, state } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

where(describe, [hasBrowser, lack.browser])('all pinned checkpoints', () => {
  it('are evaluated one after another, cancelled together, and retried where that fails', async () => {
    const opened = await openStudio();
    const { studio } = opened;
    const id = await startRun(opened, 'shells', [constant(60)], { checkpoints: { every: 10, keepLast: 10 } });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'shells');
    await expect.poll(() => state(page).textContent()).toContain('completed');
    await goTo(page, 'evals', 'Evals');
    await page.getByText('Pin checkpoints on a run').waitFor();
    const steps = studio.store.checkpoints.list(id).map(({ step }) => step);
    for (const step of [20, 40, 60]) studio.checkpoints.keep(studio.store.runs.get(id), step, true);
    expect(steps).toEqual(expect.arrayContaining([20, 40, 60]));
    await page.reload();
    await expect
      .poll(() => page.getByLabel('Pinned checkpoints of').locator('option').allTextContents())
      .toEqual(['All runs (3)', 'shells (3)']);
    await page.getByText('Evaluation settings').click();
    await page.getByLabel('Sequences').fill('3');
    await button(page, 'Run validation on all').click();
    await page.getByText('3 evaluations queued').waitFor();
    const losses = () => studio.store.evals.list(id).filter(({ dataset }) => dataset.startsWith('3 sequences')).length;
    await expect.poll(losses, { timeout: 60_000 }).toBe(3);
    // They come into the table by themselves.
    await expect.poll(() => page.getByText(/^3 sequences/).count()).toBe(3);
    await expectAccessible(page, 'evals with pinned checkpoints');

    // Each fails for a reason of its own row, and says so there.
    await page.getByLabel('HellaSwag file').fill(path.join(tempDir(), 'none.jsonl'));
    await page.getByLabel('Pinned checkpoints of').selectOption('shells (3)');
    await button(page, 'Run HellaSwag on all').click();
    await expect.poll(() => page.getByText(/^HellaSwag failed: /).count(), { timeout: 60_000 }).toBe(3);
    const row = page.getByRole('row', { name: /^shells 40/ });
    const failed = () => studio.jobs.list().filter(({ state }) => state === 'failed').length;
    expect(failed()).toBe(3);
    await row.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(failed).toBe(4);
    expect(await page.getByText(/^HellaSwag failed: /).count()).toBe(3);
    await goTo(page, 'jobs', 'Jobs');
    await button(page, 'Try again: HellaSwag of shells, step 20').first().click();
    await expect.poll(failed).toBe(5);

    // Together they are left.
    await goTo(page, 'evals', 'Evals');
    await page.getByText('Evaluation settings').click();
    await page.getByLabel('Sequences').fill('1000000');
    await button(page, 'Run validation on all').click();
    await page
      .getByRole('group', { name: 'Evaluations' })
      .getByText(/^\d of 3 evaluations done/)
      .waitFor();
    await button(page, 'Cancel all').click();
    const validations = () => studio.jobs.list().filter(({ kind }) => kind === 'validation');
    const ended = () => validations().filter(({ state }) => state === 'cancelled' || state === 'done').length;
    await expect.poll(ended).toBe(6);
    expect(validations()).toHaveLength(6);
    await page.getByRole('group', { name: 'Evaluations' }).waitFor({ state: 'detached' });
  });
});
