import fs from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Studio } from '../../electron/studio/studio.ts';
import { tempDir } from '../temp.ts';
import { goTo, hasBrowser, openStudio } from './browser.ts';
import { lack, where } from '../frame/needs.ts';

/** Holds back what the planner answers; each answer is let go by itself, in any order. */
function holdAnswers(studio: Studio, ...kinds: readonly string[]) {
  const { planner } = studio;
  const ask = planner.ask.bind(planner);
  const held: { readonly input: unknown; release(): void }[] = [];
  let holding = true;
  planner.ask = (async (kind: 'plan', input: never, signal?: AbortSignal) => {
    if (!holding || !kinds.includes(kind)) return ask(kind, input, signal);
    await new Promise<void>((release) => held.push({ input, release }));
    return ask(kind, input);
  }) as typeof planner.ask;
  return {
    held,
    letGo() {
      holding = false;
      for (const { release } of held) release();
    },
  };
}

const verdict = (page: Page) => page.locator('.verdict');
const recalculating = (page: Page) => page.getByText('Recalculating…').first();

where(describe, [hasBrowser, lack.browser])('an answer is of the question on screen', () => {
  it('on Memory: old numbers are dimmed while a question is pending, and a late answer is dropped', async () => {
    const { open, studio } = await openStudio();
    const page = await open();
    await goTo(page, 'memory', 'Memory');
    await page.getByLabel('Preset').or(page.getByLabel('Preset')).selectOption('nano');
    await verdict(page).waitFor();
    await recalculating(page).waitFor({ state: 'detached' });
    const before = await verdict(page).textContent();

    const { held, letGo } = holdAnswers(studio, 'plan', 'matrix');
    const batch = page.getByRole('spinbutton', { name: 'Micro-batch size' });
    await batch.fill('3');
    await expect.poll(() => held.length).toBeGreaterThan(0);
    await recalculating(page).waitFor();
    expect(await page.locator('.stale .verdict').textContent()).toBe(before);
    expect(await page.getByRole('button', { name: 'New run with this config' }).isDisabled()).toBe(true);
    await batch.fill('5');
    await expect
      .poll(() => held.filter((h) => JSON.stringify(h.input).includes('"batch":5')).length)
      .toBeGreaterThan(0);
    // The later question is answered first, then the earlier one.
    for (const { release } of held.toReversed()) release();
    letGo();
    await page.locator('.stale').first().waitFor({ state: 'detached' });
    const after = await verdict(page).textContent();
    await batch.fill('3');
    await recalculating(page).waitFor();
    await page.locator('.stale').first().waitFor({ state: 'detached' });
    const three = await verdict(page).textContent();
    expect(new Set([before, after, three]).size).toBe(3);
    await batch.fill('5');
    await expect.poll(() => verdict(page).textContent()).toBe(after);
  });

  it('on Memory: beside what is wrong there are no numbers', async () => {
    const { open } = await openStudio();
    const page = await open();
    await goTo(page, 'memory', 'Memory');
    await verdict(page).waitFor();
    const layers = page.getByRole('spinbutton', { name: 'Layers' });
    await layers.fill('0');
    await page.getByText('Must be at least 1.').waitFor();
    expect(await layers.getAttribute('aria-invalid')).toBe('true');
    const described = `document.getElementById(document.querySelector('[aria-invalid="true"]').getAttribute('aria-describedby'))`;
    expect(await page.evaluate(`${described}.textContent.trim()`)).toBe('Must be at least 1.');
    await verdict(page).waitFor({ state: 'detached' });
    await page.getByRole('table').first().waitFor({ state: 'detached' });
    await layers.fill('');
    await page.getByText('Enter a number.').waitFor();
    await layers.fill('2');
    await page.getByRole('spinbutton', { name: 'Heads' }).fill('7');
    await page.getByText(/is not divisible by the number of heads 7/).waitFor();
    await verdict(page).waitFor({ state: 'detached' });
    await page.getByRole('spinbutton', { name: 'Heads' }).fill('8');
    await verdict(page).waitFor();
  });

  it('on New run: nothing is started while a check is pending', async () => {
    const { open, studio } = await openStudio();
    const page = await open();
    const file = path.join(tempDir(), 'fox.txt');
    fs.writeFileSync(file, 'the quick brown fox jumps over the lazy dog. '.repeat(400));
    await goTo(page, 'new', 'New run');
    await page.getByRole('button', { name: /^nano/ }).click();
    await page.getByLabel('Drop files, browse, or paste paths').fill(file);
    await page.getByRole('button', { name: 'Tokenize' }).click();
    const start = page.getByRole('button', { name: 'Start training' });
    // Start need not wait for the tokenizing; here what follows from its end is not to be in between.
    await expect.poll(() => page.getByRole('combobox', { name: 'Dataset' }).inputValue()).not.toBe('');
    await expect.poll(() => start.isEnabled()).toBe(true);
    const { held, letGo } = holdAnswers(studio, 'draft');
    await page.getByText('Model & training', { exact: true }).last().click();
    await page.getByLabel('Layers', { exact: true }).fill('3');
    // At once, before anything is asked.
    expect(await start.isEnabled()).toBe(false);
    await expect.poll(() => held.length).toBe(1);
    await page.getByText('Checking…').waitFor();
    expect(await start.isDisabled()).toBe(true);
    letGo();
    await expect.poll(() => start.isEnabled()).toBe(true);
  });
});
