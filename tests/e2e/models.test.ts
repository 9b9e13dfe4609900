import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button, constant, startRun, state } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

/** Items that any model can be asked about. */
function itemsFile(count: number): string {
  const lines = Array.from({ length: count }, (_, ind) =>
    JSON.stringify({
      ind,
      activity_label: 'Shells',
      ctx_a: `She sells ${ind} sea shells.`,
      ctx_b: 'she',
      endings: ['sells more by the sea.', 'goes home.', 'has none left to sell.', 'counts them.'],
      label: ind % 4,
    }),
  );
  const file = path.join(tempDir(), 'items.jsonl');
  fs.writeFileSync(file, lines.join('\n'));
  return file;
}

where(describe, [hasBrowser, lack.browser])('a trained model', () => {
  it('is evaluated on HellaSwag in one click, and the table leaves as a file', async () => {
    const opened = await openStudio();
    const id = await startRun(opened, 'shells', [constant(60)]);
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'shells');
    await expect.poll(() => state(page).textContent()).toContain('completed');
    await goTo(page, 'evals', 'Evals');
    await page.getByText('Evaluation settings').click();
    await page.getByLabel('HellaSwag file').fill(itemsFile(40));
    await page
      .getByRole('row', { name: /^shells 60/ })
      .getByRole('button', { name: 'Run HellaSwag' })
      .click();
    await page
      .getByText(/0\.\d{4} ± 0\.\d{4}/)
      .first()
      .waitFor();
    await page.getByText('40 items of').waitFor();
    await page.getByRole('heading', { name: 'HellaSwag accuracy' }).waitFor();
    await expectAccessible(page, 'evals with results');
    const [saved] = await Promise.all([page.waitForEvent('download'), button(page, 'Markdown').click()]);
    expect(fs.readFileSync(await saved.path(), 'utf8')).toMatch(/\| shells \| 60 \| .*40 items of/);
    // Without a network it says what to do.
    await page.getByLabel('HellaSwag file').fill('/nothing/there.jsonl');
    await page
      .getByRole('row', { name: /^shells 60/ })
      .getByRole('button', { name: 'Run HellaSwag' })
      .click();
    await page.getByText("can't be read from /nothing/there.jsonl").waitFor();
  });

  it('is exported, imported, written with, and fine-tuned', async () => {
    const opened = await openStudio();
    const id = await startRun(opened, 'shells', [constant(60)]);
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'shells');
    await expect.poll(() => state(page).textContent()).toContain('completed');
    await page.getByRole('tab', { name: 'Checkpoints' }).click();
    await button(page, 'Export').first().click();
    const dir = path.join(tempDir(), 'model');
    const dialog = page.getByRole('dialog', { name: 'Export step 60' });
    await dialog.getByLabel('Folder on the server').fill(path.join(opened.home, 'trainyard.db'));
    await dialog.getByRole('button', { name: 'Export' }).click();
    await dialog.getByText('is a file: name a folder').waitFor();
    await dialog.getByLabel('Folder on the server').fill(dir);
    await dialog.getByLabel('License').fill('apache-2.0');
    await expectAccessible(page, 'export');
    await dialog.getByRole('button', { name: 'Export' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect(fs.readFileSync(path.join(dir, 'README.md'), 'utf8')).toMatch(/^---\nlicense: apache-2\.0\n/);

    await goTo(page, 'runs', 'Runs');
    await button(page, 'Import model').click();
    const importing = page.getByRole('dialog', { name: 'Import model' });
    await importing.getByLabel('Folder on the server').fill(tempDir());
    await importing.getByRole('button', { name: 'Import' }).click();
    await importing.getByText(/config\.json can't be read/).waitFor();
    await importing.getByLabel('Folder on the server').fill(dir);
    await importing.getByLabel('Name').fill('from elsewhere');
    await importing.getByRole('button', { name: 'Import' }).click();
    await page.getByRole('heading', { level: 1, name: 'from elsewhere' }).waitFor();
    const imported = opened.studio.store.runs.list().find((r) => r.name === 'from elsewhere')!;
    const weights = (run: string, step: string) =>
      fs.readFileSync(path.join(opened.home, 'runs', run, 'checkpoints', step, 'model.safetensors'));
    expect(weights(imported.id, 'step-000000')).toEqual(weights(id, 'step-000060'));

    await page.getByRole('tab', { name: 'Checkpoints' }).click();
    await page.getByRole('link', { name: 'Generate' }).click();
    await page.getByLabel('Prompt', { exact: true }).fill('she');
    await page.getByLabel('Max new tokens').fill('80');
    await button(page, 'Save prompt').click();
    await button(page, 'Use “she”').waitFor();
    await button(page, 'Generate').click();
    await page.getByText('The context of 64 tokens is full').waitFor();
    await expectAccessible(page, 'playground');

    await goTo(page, `run/${imported.id}`, 'from elsewhere');
    await page.getByRole('tab', { name: 'Checkpoints' }).click();
    await button(page, 'Fine-tune').click();
    await page.getByText('Initialized from from elsewhere, step 0.').waitFor();
    const [dataset] = fs.readdirSync(path.join(opened.home, 'datasets'));
    await page
      .getByRole('combobox', { name: /^Dataset/ })
      .first()
      .selectOption(dataset!);
    await page.getByText('Model & training', { exact: true }).last().click();
    await page.getByLabel('Context length', { exact: true }).fill('128');
    await page.getByLabel('Tokens per step (global batch)', { exact: true }).fill('128');
    await page.getByText('is longer than that of the model it is initialized from').waitFor();
    await page.getByLabel('Extend position embeddings by').selectOption('interpolate');
    await page.getByLabel('Duration').first().fill('5');
    await page.getByLabel('Duration').nth(1).fill('10');
    await button(page, 'Start training').click();
    await expect.poll(() => state(page).textContent()).toContain('completed');
    await page.getByRole('tab', { name: 'Log' }).click();
    await page.getByText('64 positions became 128 (interpolate)').waitFor();
  });
});
