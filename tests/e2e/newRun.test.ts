import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { expectAccessible, hasBrowser, openStudio } from './browser.ts';

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(400);

describe.skipIf(!hasBrowser)('a newcomer', () => {
  it('makes a run from a text file, watches it to its end, and finds what it left', async () => {
    const { open, studio } = await openStudio();
    const page = await open();
    const file = path.join(tempDir(), 'fox.txt');
    fs.writeFileSync(file, text);

    await page.getByRole('link', { name: 'New run' }).first().click();
    await page.getByRole('button', { name: /^nano/ }).click();
    await page.getByLabel('Text files or folders').fill(file);
    await page.getByRole('button', { name: 'Prepare the text' }).click();
    await expect.poll(() => page.getByLabel('Prepared dataset').inputValue()).toMatch(/^fox-bytes-/);
    // A short run: two phases of some steps, and a small model.
    await page.getByText('Settings', { exact: true }).last().click();
    for (const [label, value] of [
      ['Layers', '2'],
      ['Width', '32'],
      ['Context', '32'],
      ['Tokens a step', '256'],
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
    expect(said).toMatch(/^Loss, nats\/token\. Loss \(nats\/token\): from 5\.\d+ to \d\.\d+/);
    await curve.getByRole('button', { name: 'Table' }).click();
    expect(await curve.getByRole('row').count()).toBeGreaterThan(10);

    await page.getByRole('tab', { name: 'Checkpoints' }).click();
    await page.getByRole('link', { name: 'Generate' }).first().click();
    await page.getByLabel('Prompt').fill('the quick');
    await page.getByLabel('Tokens', { exact: true }).fill('12');
    await page.getByRole('button', { name: 'Write' }).click();
    await expect.poll(async () => ((await page.locator('pre').first().textContent()) ?? '').length).toBeGreaterThan(12);
    const [run] = studio.store.listRuns();
    expect(run).toMatchObject({ name: 'foxes', state: 'completed', step: 200, preset: 'nano' });
  });
});
