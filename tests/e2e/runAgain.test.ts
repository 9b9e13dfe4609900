import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { RunConfig } from '../../electron/engine/run/config.ts';
import type { Studio } from '../../electron/studio/studio.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';
import { button, startRun } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

const title = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const datasetField = (page: Page) => page.getByRole('combobox', { name: /^Dataset/ }).first();
const configOf = ({ config }: { readonly config: unknown }): RunConfig => config as RunConfig;
const nameField = (page: Page) => page.getByLabel('Name', { exact: true });

/** A studio with a run of 20 steps that was trained, and its page. */
async function trained() {
  const opened = await openStudio();
  const { studio } = opened;
  const id = await startRun(
    opened,
    'shells',
    [
      { kind: 'warmup', steps: 4, from: 0, to: 2e-3 },
      { kind: 'cosine', steps: 16, from: 2e-3, to: 2e-4 },
    ],
    { checkpoints: { every: 12 }, evaluation: { every: 0, sequences: 4 } },
  );
  await expect.poll(() => studio.store.runs.get(id).state, { timeout: 60_000 }).toBe('completed');
  const page = await opened.open();
  await goTo(page, `run/${id}`, 'shells');
  return { ...opened, id, page, config: configOf(studio.store.runs.get(id)) };
}

/** A run that ended by itself, and its page. */
async function failed(cause: string | undefined, message: string, config = {}) {
  const { studio, open } = await openStudio();
  const id = await measuredRun(studio, 'broken', { rows: rowsOf(20, (step) => 5 + step / 10), config });
  studio.store.runs.setState(id, 'training');
  studio.store.events.add(id, 20, 'error', 'failed', message, cause && { cause });
  studio.store.runs.setState(id, 'failed', message);
  const page = await open();
  await goTo(page, `run/${id}`, 'broken');
  const box = page.getByRole('region', { name: /^(Training diverged|Out of memory|Data is missing|Training failed)$/ });
  await box.getByText(message).waitFor();
  return { page, box, id, studio, config: configOf(studio.store.runs.get(id)) };
}

/** Starts what New run was opened with. @returns the config of the run that trains then */
async function started(page: Page, { store }: Studio, name: string): Promise<RunConfig> {
  await title(page, 'New run');
  expect(await nameField(page).inputValue()).toBe(name);
  await expect.poll(() => button(page, 'Start training').isEnabled()).toBe(true);
  await button(page, 'Start training').click();
  await title(page, name);
  return configOf(store.runs.list().find((run) => run.name === name)!);
}

where(describe, [hasBrowser, lack.browser])('a run once more', () => {
  it('is duplicated with its whole config, branched from a checkpoint, and fine-tuned', async () => {
    const { page, studio, id, config } = await trained();
    await button(page, 'Duplicate').click();
    // What it says of the copy doesn't cover what is clicked next.
    const said = (await page.getByText('Copied the whole config of shells.').boundingBox())!;
    const start = (await button(page, 'Start training').boundingBox())!;
    expect(said.y + said.height).toBeLessThan(start.y);
    expect(await started(page, studio, 'shells copy')).toEqual(config);

    await goTo(page, `run/${id}?tab=checkpoints`, 'shells');
    const row = page.getByRole('row').filter({ has: page.getByRole('cell', { name: /^12/ }) });
    await row.getByRole('button', { name: 'Branch' }).click();
    const branch = await started(page, studio, 'shells branch');
    expect(branch).toMatchObject({
      ...config,
      init: { run: id, step: 12 },
      phases: [{ kind: 'cosine', steps: 8, to: 2e-4 }],
    });
    // Half of the cosine was done at the checkpoint.
    expect(branch.phases[0]!.from).toBeCloseTo(1.1e-3, 6);

    await goTo(page, `run/${id}?tab=checkpoints`, 'shells');
    await row.getByRole('button', { name: 'Fine-tune' }).click();
    await title(page, 'New run');
    const begin = page.getByRole('region', { name: 'Initial weights' });
    await begin.getByText('shells').waitFor();
    await expectAccessible(page, 'fine-tuning');
    // Whatever preset is clicked, it starts with these weights.
    await page.getByRole('button', { name: /^nano/ }).click();
    await begin.getByText('shells').waitFor();
    await datasetField(page).selectOption({ index: 1 });
    expect(await begin.textContent()).toContain('step 12');
  });

  it('takes the place of a draft, which can be had back', async () => {
    const { page } = await trained();
    await goTo(page, 'new', 'New run');
    await nameField(page).fill('my own');
    await page.getByLabel('Duration').first().fill('77');
    await page.goBack();
    await button(page, 'Duplicate').click();
    await title(page, 'New run');
    await page.getByText('took the place of what you had drafted').waitFor();
    expect(await nameField(page).inputValue()).toBe('shells copy');
    await button(page, 'Back to my draft').click();
    expect(await nameField(page).inputValue()).toBe('my own');
    expect(await page.getByLabel('Duration').first().inputValue()).toBe('77');
    expect(await button(page, 'Back to my draft').count()).toBe(0);
  });

  it('is offered what helps where its loss diverged, and not to resume', async () => {
    const { page, box, studio, config } = await failed('diverged', 'The loss became NaN at step 20.');
    expect(await page.getByRole('button', { name: 'Resume' }).count()).toBe(0);
    await expectAccessible(page, 'diverged');
    await box.getByRole('button', { name: /^Retry with half the learning rate \(1e-3 → 5e-4\)$/ }).click();
    const retry = await started(page, studio, 'broken retry');
    expect(retry).toEqual({ ...config, phases: [{ ...config.phases[0]!, from: 5e-4, to: 5e-4 }] });
  });

  it('is offered less memory, other data, or to resume, by what it failed of', async () => {
    const memory = await failed('memory', 'Not enough memory for the activations.');
    await memory.box.getByRole('button', { name: 'Resume' }).waitFor();
    await memory.box.getByRole('button', { name: 'Retry with a smaller micro-batch (8 → 4)' }).click();
    const retry = await started(memory.page, memory.studio, 'broken retry');
    expect(retry).toEqual({ ...memory.config, batch: 4 });

    const data = await failed('data', 'The dataset is gone.');
    expect(await data.box.getByRole('link', { name: 'Add dataset' }).getAttribute('href')).toContain('data');
    await data.box.getByRole('button', { name: 'Retry with another dataset' }).click();
    await title(data.page, 'New run');
    expect(await datasetField(data.page).inputValue()).toBe('');
    expect(await button(data.page, 'Start training').isEnabled()).toBe(false);

    const other = await failed(undefined, 'The disk is full.');
    await other.box.getByRole('button', { name: 'Resume' }).waitFor();
    expect(await other.box.getByRole('button').allTextContents()).toEqual(['Resume']);
  });
});
