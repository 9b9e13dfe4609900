import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { expectAccessible, hasBrowser, openStudio } from './browser.ts';
import { lack, where } from '../frame/needs.ts';

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(400);

where(describe, [hasBrowser, lack.browser])('a newcomer', () => {
  it('makes a run from a text file, watches it to its end, and finds what it left', async () => {
    const { open, studio } = await openStudio();
    const page = await open();
    const file = path.join(tempDir(), 'fox.txt');
    fs.writeFileSync(file, text);

    await page.getByRole('link', { name: 'New run' }).first().click();
    await page.getByRole('button', { name: /^nano/ }).click();
    await page.getByLabel('Drop files, browse, or paste paths').fill(file);
    await page.getByRole('button', { name: 'Tokenize' }).click();
    await expect
      .poll(() =>
        page
          .getByRole('combobox', { name: /^Dataset/ })
          .first()
          .inputValue(),
      )
      .toMatch(/^fox-bytes-/);
    // A short run: two phases of some steps, and a small model.
    await page.getByText('Model & training', { exact: true }).last().click();
    for (const [label, value] of [
      ['Layers', '2'],
      ['Embedding dim', '32'],
      ['Context length', '32'],
      ['Tokens per step (global batch)', '256'],
    ] as const)
      await page.getByLabel(label, { exact: true }).fill(value);
    const lengths = page.getByLabel('Duration');
    await lengths.nth(0).fill('0');
    await page.getByText('Must be at least 1.').waitFor();
    expect(await page.getByRole('button', { name: 'Start training' }).isDisabled()).toBe(true);
    await lengths.nth(0).fill('40');
    await lengths.nth(1).fill('160');
    await expectAccessible(page, 'new run');
    await page.getByLabel('Name', { exact: true }).fill('foxes');
    await page.getByRole('button', { name: 'Start training' }).click();

    await page.getByRole('heading', { level: 1, name: 'foxes' }).waitFor();
    await page.locator('main').getByText('completed', { exact: true }).waitFor();
    await page.getByText('step 200 of 200').waitFor();
    await expectAccessible(page, 'run');
    const curve = page.locator('figure', { has: page.getByRole('heading', { name: 'Loss', exact: true }) });
    const [said] = await curve.locator('p.hidden-text').allTextContents();
    expect(said).toMatch(/^Loss, nats\/token\. Train loss: from 5\.\d+ to \d\.\d+/);
    await curve.getByRole('button', { name: 'Table' }).click();
    expect(await curve.getByRole('row').count()).toBeGreaterThan(10);

    await page.getByRole('tab', { name: 'Checkpoints' }).click();
    await page.getByRole('link', { name: 'Generate' }).first().click();
    await page.getByLabel('Prompt', { exact: true }).fill('the quick');
    await page.getByLabel('Max new tokens', { exact: true }).fill('12');
    await page.getByRole('button', { name: 'Generate' }).click();
    await expect.poll(async () => ((await page.locator('pre').first().textContent()) ?? '').length).toBeGreaterThan(12);
    const [run] = studio.store.runs.list();
    expect(run).toMatchObject({ name: 'foxes', state: 'completed', step: 200, preset: 'nano' });
  });
});
