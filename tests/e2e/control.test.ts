import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { childrenOf, hasPs } from '../cli/processes.ts';
import { goTo, hasBrowser, openStudio } from './browser.ts';
import { button, constant, onlyTraining, startRun, state } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

where(
  describe,
  [hasBrowser, lack.browser],
  [hasPs, lack.ps],
)('a run in two windows', () => {
  it('is paused, killed and resumed from either, and both stay in step', async () => {
    const opened = await openStudio();
    const id = await startRun(opened, 'shells', [constant(50_000)], { ...onlyTraining, checkpoints: { every: 50 } });
    const [one, two] = [await opened.open(), await opened.open()];
    for (const page of [one, two]) {
      await goTo(page, `run/${id}`, 'shells');
      await expect.poll(() => state(page).textContent()).toContain('training: constant');
    }
    await button(one, 'Run validation').click();
    await expect.poll(() => opened.studio.store.listEvals(id).some((e) => e.step > 0)).toBe(true);

    await button(one, 'Pause').click();
    for (const page of [one, two]) await expect.poll(() => state(page).textContent()).toContain('paused');
    const paused = opened.studio.store.getRun(id).step;
    expect(paused).toBeGreaterThan(0);
    await button(two, 'Resume').click();
    for (const page of [one, two]) await expect.poll(() => state(page).textContent()).toContain('training: constant');

    await expect.poll(() => opened.studio.store.getRun(id).step).toBeGreaterThan(paused + 60);
    const [engine] = childrenOf(process.pid).filter((pid) => {
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(path.join('engine', 'process', 'main.ts'));
    });
    process.kill(engine!, 'SIGKILL');
    for (const page of [one, two]) await expect.poll(() => state(page).textContent()).toContain('crashed');
    await one.getByText('Training process crashed or was killed').waitFor();
    await button(one, 'Resume').click();
    for (const page of [one, two]) await expect.poll(() => state(page).textContent()).toContain('training: constant');

    await button(two, 'Stop').click();
    await button(two, 'Save and stop').click();
    for (const page of [one, two]) await expect.poll(() => state(page).textContent()).toContain('stopped');
    // What the window shows of the steps is what is stored of them, with nothing twice and nothing missing.
    const { step } = opened.studio.store.getRun(id);
    const rows = opened.studio.store.readMetrics(id).map((r) => r.step);
    expect(rows).toEqual(Array.from({ length: step }, (_, i) => i + 1));
    const shown = new RegExp(`step ${step.toLocaleString('en-US')} of 50,000`);
    for (const page of [one, two]) await page.getByText(shown).waitFor();
  });

  it('is resumed with its low-bit moments kept in another way, which is said', async () => {
    const opened = await openStudio();
    const id = await startRun(opened, 'low-bit', [constant(100_000)], {
      ...onlyTraining,
      optimizer: { kind: 'adamw8bit', lowBitStates: 'paper' },
    });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'low-bit');
    await expect.poll(() => state(page).textContent()).toContain('training');
    expect(await page.getByLabel('Low-bit states').count()).toBe(0);
    await button(page, 'Pause').click();
    await expect.poll(() => state(page).textContent()).toContain('paused');
    expect(await page.getByLabel('Low-bit states').inputValue()).toBe('paper');
    await page.getByLabel('Low-bit states').selectOption('stable');
    await button(page, 'Resume').click();
    await expect.poll(() => state(page).textContent()).toContain('training');
    await page.getByRole('tab', { name: 'Log' }).click();
    await page.getByText(/embeddings have float32 moments from here on/).waitFor();
    expect(opened.studio.configOf(opened.studio.store.getRun(id)).optimizer.lowBitStates).toBe('stable');
    await button(page, 'Pause').click();
    await expect.poll(() => state(page).textContent()).toContain('paused');
  });

  it('has its optimizer switched while it trains', async () => {
    const opened = await openStudio();
    const id = await startRun(opened, 'switched', [constant(2500), constant(1500)], {
      ...onlyTraining,
      checkpoints: { every: 1000 },
    });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'switched');
    await expect.poll(() => state(page).textContent()).toContain('training: constant');
    await page.getByRole('tab', { name: 'Phases' }).click();
    await button(page, 'Edit upcoming phases').click();
    await page.getByLabel('Optimizer').selectOption('adamw8bit');
    await page.getByLabel('Duration', { exact: true }).fill('0');
    await page.getByText('Must be at least 1.').waitFor();
    await page.getByLabel('Duration', { exact: true }).fill('40');
    await button(page, 'Apply').click();
    await button(page, 'Edit upcoming phases').waitFor();
    // Some thousand steps: a slow machine takes its time.
    await expect.poll(() => state(page).textContent(), { timeout: 200_000 }).toContain('completed');
    await page.getByText('step 2,540 of 2,540').waitFor();
    await page.getByRole('tab', { name: 'Log' }).click();
    await page.getByText('optimizer switched from adamw to adamw8bit').waitFor();
  });

  it('is renamed, tagged, found by its tag, archived and deleted', async () => {
    const opened = await openStudio();
    const id = await startRun(opened, 'first name', [constant(5)]);
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'first name');
    await expect.poll(() => state(page).textContent()).toContain('completed');
    await page.getByRole('tab', { name: 'Config' }).click();
    await page.getByLabel('Name', { exact: true }).fill('better name');
    await page.getByLabel('Tags (comma-separated)').fill('shells, first');
    await button(page, 'Save').click();
    await page.getByRole('heading', { level: 1, name: 'better name' }).waitFor();
    await goTo(page, 'runs', 'Runs');
    await page.getByPlaceholder('Name, ID, tag, dataset or note').fill('nothing like that');
    await page.getByText('No matching runs').waitFor();
    await page.getByPlaceholder('Name, ID, tag, dataset or note').fill('shells');
    await page.getByRole('link', { name: 'better name' }).click();
    await button(page, 'Archive').click();
    await button(page, 'Delete run').click();
    await page.getByText('Delete better name?').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete run' }).click();
    await page.getByText('No runs yet').waitFor();
    expect(opened.studio.store.listRuns()).toEqual([]);
    expect(fs.existsSync(path.join(opened.home, 'runs', id))).toBe(false);
  });
});
