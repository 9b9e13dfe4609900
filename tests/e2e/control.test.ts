import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { childrenOf, hasPs } from '../cli/processes.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
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
    await expect.poll(() => opened.studio.store.evals.list(id).some((e) => e.step > 0)).toBe(true);

    await button(one, 'Pause').click();
    for (const page of [one, two]) await expect.poll(() => state(page).textContent()).toContain('paused');
    const paused = opened.studio.store.runs.get(id).step;
    expect(paused).toBeGreaterThan(0);
    await button(two, 'Resume').click();
    for (const page of [one, two]) await expect.poll(() => state(page).textContent()).toContain('training: constant');

    await expect.poll(() => opened.studio.store.runs.get(id).step).toBeGreaterThan(paused + 60);
    const [engine] = childrenOf(process.pid).filter((pid) => {
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(path.join('engine', 'process', 'main.ts'));
    });
    process.kill(engine!, 'SIGKILL');
    for (const page of [one, two]) await expect.poll(() => state(page).textContent()).toContain('crashed');
    await one.getByText('Training process crashed or was killed').waitFor();
    await button(one, 'Resume').click();
    for (const page of [one, two]) await expect.poll(() => state(page).textContent()).toContain('training: constant');

    await button(two, 'Stop').click();
    const question = two.getByRole('dialog', { name: 'Stop this run early?' });
    await question.getByText('To train the rest later, pause it instead.').waitFor();
    await expectAccessible(two, 'whether to stop a run');
    // Who thinks of resuming it has not left the question for nothing.
    await button(two, 'Pause instead').click();
    for (const page of [one, two]) await expect.poll(() => state(page).textContent()).toContain('paused');
    await button(two, 'Resume').click();
    for (const page of [one, two]) await expect.poll(() => state(page).textContent()).toContain('training: constant');
    await button(two, 'Stop').click();
    await button(two, 'Stop early').click();
    for (const page of [one, two]) {
      await expect.poll(() => state(page).textContent()).toContain('stopped early');
      await page.getByText(/^stopped early at step [\d,]+ of 50,000$/).waitFor();
      await button(page, 'Continue training').waitFor();
      expect(await button(page, 'Resume').count()).toBe(0);
    }
    const last = opened.studio.store.runs.get(id).step;
    expect(opened.studio.store.evals.list(id).at(-1)).toMatchObject({ kind: 'validation', step: last });
    expect(opened.studio.store.checkpoints.list(id).at(-1)).toMatchObject({ step: last });
    // What the window shows of the steps is what is stored of them, with nothing twice and nothing missing.
    const { step } = opened.studio.store.runs.get(id);
    const rows = opened.studio.store.metrics.read(id).map((r) => r.step);
    expect(rows).toEqual(Array.from({ length: step }, (_, i) => i + 1));
    const shown = new RegExp(`^step ${step.toLocaleString('en-US')} of 50,000`);
    for (const page of [one, two]) await page.getByText(shown).waitFor();
  });

  it('that is paused is stopped as it is, by a key, and goes on when phases are added', async () => {
    const opened = await openStudio();
    const id = await startRun(opened, 'shells', [constant(50_000)], onlyTraining);
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'shells');
    await expect.poll(() => state(page).textContent()).toContain('training: constant');
    await button(page, 'Pause').click();
    await expect.poll(() => state(page).textContent()).toContain('paused');
    const { step } = opened.studio.store.runs.get(id);
    await page.keyboard.press('x');
    const shown = step.toLocaleString('en-US');
    await page.getByText(`completed at step ${shown} of 50,000 with its latest checkpoint`).waitFor();
    expect(await button(page, 'Pause instead').count()).toBe(0);
    await page.keyboard.press('Escape');
    await button(page, 'Stop').click();
    await button(page, 'Stop early').click();
    await expect.poll(() => state(page).textContent()).toContain('stopped early');
    expect(opened.studio.store.checkpoints.list(id).map((c) => c.step)).toEqual([step]);
    // As planned; stopped once more, with another phase in the place of what was left.
    await button(page, 'Continue training').click();
    await page.getByText('of the run’s own phases are left').waitFor();
    await button(page, 'Train remaining steps').click();
    await expect.poll(() => opened.studio.store.runs.get(id).step).toBeGreaterThan(step);
    await button(page, 'Stop').click();
    await button(page, 'Stop early').click();
    await expect.poll(() => state(page).textContent()).toContain('stopped early');
    const second = opened.studio.store.runs.get(id).step;
    await button(page, 'Continue training').click();
    await page.getByText(`The phases below start at step ${second.toLocaleString('en-US')}`).waitFor();
    expect(await page.getByLabel('Duration', { exact: true }).inputValue()).toBe(String(50_000 - second));
    await page.getByLabel('Duration', { exact: true }).fill('2');
    await button(page, 'Apply and continue').click();
    await expect.poll(() => state(page).textContent()).toContain('completed');
    expect(opened.studio.store.runs.get(id)).toMatchObject({
      state: 'completed',
      stoppedEarly: false,
      step: second + 2,
    });
  });

  it('that is stopped need not do what takes long behind its last step', async () => {
    const opened = await openStudio();
    const prompts = Array.from({ length: 5000 }, () => 'she');
    const id = await startRun(opened, 'shells', [constant(50_000)], {
      ...onlyTraining,
      sampling: { tokens: 1_000_000, prompts },
    });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'shells');
    await expect.poll(() => state(page).textContent()).toContain('sampling');
    await button(page, 'Stop').click();
    await button(page, 'Stop early').click();
    await expect.poll(() => state(page).textContent()).toContain('stopping');
    await expectAccessible(page, 'a run that is stopping');
    for (const gone of ['Pause', 'Stop', 'Resume']) expect(await button(page, gone).count()).toBe(0);
    await button(page, 'Skip final evaluation').click();
    await expect.poll(() => state(page).textContent()).toContain('stopped early');
    await page.getByText('stopped early at step 0 of 50,000', { exact: true }).waitFor();
    expect(opened.studio.store.samples.list(id)).toEqual([]);
    expect(opened.studio.store.checkpoints.list(id)).toHaveLength(1);
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
    expect(opened.studio.runs.configOf(opened.studio.store.runs.get(id)).optimizer.lowBitStates).toBe('stable');
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
    await button(page, 'first name').click();
    await page.getByLabel('Name', { exact: true }).fill('better name');
    await page.keyboard.press('Enter');
    await page.getByLabel('Add tag').fill('shells, first');
    await button(page, 'Remove tag shells').waitFor();
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
    expect(opened.studio.store.runs.list()).toEqual([]);
    await expect.poll(() => fs.existsSync(path.join(opened.home, 'runs', id))).toBe(false);
  });
});
