import { describe, expect, it } from 'vitest';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button, constant, startRun, state } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

where(describe, [hasBrowser, lack.browser])('the playground', () => {
  it('compares two checkpoints, shows how likely tokens were, and keeps what was generated', async () => {
    const opened = await openStudio();
    const id = await startRun(opened, 'shells', [constant(60)], { checkpoints: { every: 20, keepLast: 10 } });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'shells');
    await expect.poll(() => state(page).textContent()).toContain('completed');

    await goTo(page, `samples/${id}/60`, 'Samples');
    await page.getByText('Nothing generated yet').waitFor();
    await button(page, 'Compare with a checkpoint').click();
    await page.getByLabel('Checkpoint (second)').selectOption('20');
    await page.getByLabel('Prompt', { exact: true }).fill('she sells');
    await page.getByLabel('Max new tokens').fill('12');
    await page.getByLabel('Seed').fill('3');
    await button(page, 'Generate').click();
    const columns = [60, 20].map((step) => page.getByRole('region', { name: `shells, step ${step}`, exact: true }));
    for (const column of columns) {
      await column.getByRole('listbox').waitFor();
      // Bytes: each token is a character, or a part of one.
      expect(await column.getByRole('option').count()).toBeGreaterThan(0);
    }
    const history = opened.studio.store.generations.list({ limit: 10 });
    expect(history.map(({ step, prompt }) => [step, prompt]).sort()).toEqual([
      [20, 'she sells'],
      [60, 'she sells'],
    ]);
    expect(history.every(({ settings }) => (settings as { seed: number }).seed === 3)).toBe(true);

    // By the keyboard, then under the pointer.
    const tokens = opened.studio.store.generations.tokens(history.find(({ step }) => step === 60)!.id) as {
      text: string;
      probability: number;
      rank: number;
    }[];
    const list = columns[0]!.getByRole('listbox');
    await list.focus();
    await list.press('ArrowRight');
    const chosen = columns[0]!.locator('.chosen').first();
    await expect.poll(() => list.locator('[aria-selected=true]').textContent()).toBe(tokens[1]!.text);
    expect(await chosen.textContent()).toContain(`rank ${tokens[1]!.rank}`);
    expect(await list.getAttribute('aria-activedescendant')).toMatch(/-1$/);
    await columns[0]!.getByRole('option').nth(4).hover();
    await expect.poll(() => chosen.textContent()).toContain(JSON.stringify(tokens[4]!.text));
    await list.press('End');
    await expect.poll(() => list.getAttribute('aria-activedescendant')).toMatch(new RegExp(`-${tokens.length - 1}$`));
    await expectAccessible(page, 'two checkpoints side by side');

    // The address has the checkpoints and the prompt.
    await expect.poll(() => page.url()).toContain('prompt=she+sells');
    await page.reload();
    await page.getByLabel('Checkpoint (second)').waitFor();
    expect(await page.getByLabel('Checkpoint (second)').inputValue()).toBe('20');
    expect(await page.getByLabel('Prompt', { exact: true }).inputValue()).toBe('she sells');
    await button(page, 'Stop comparing').click();
    await page.getByLabel('Checkpoint (second)').waitFor({ state: 'detached' });

    // The history outlives that; it is filtered, asked for again, and deleted.
    const entry = (step: number) => page.getByRole('article', { name: `shells, step ${step}`, exact: true });
    await entry(20).getByText('seed 3').waitFor();
    await entry(20).getByRole('button', { name: 'Probabilities' }).click();
    await entry(20).getByRole('listbox').waitFor();
    await page.getByLabel('Prompt', { exact: true }).fill('something else');
    await page.getByLabel('Seed').fill('9');
    await entry(20).getByRole('button', { name: 'Reuse' }).click();
    expect(await page.getByLabel('Prompt', { exact: true }).inputValue()).toBe('she sells');
    expect(await page.getByLabel('Seed').inputValue()).toBe('3');
    expect(await page.getByLabel('Checkpoint').inputValue()).toBe('20');
    await page.getByLabel('Search prompts and texts').fill('nowhere to be found');
    await page.getByText('No matches').waitFor();
    await page.getByLabel('Search prompts and texts').fill('SHE SELLS');
    await entry(60).waitFor();
    await entry(60).getByRole('button', { name: 'Delete' }).click();
    await entry(60).waitFor({ state: 'detached' });
    await button(page, 'Delete all').click();
    const dialog = page.getByRole('dialog', { name: 'Delete the history?' });
    await expectAccessible(page, 'deleting the history');
    await dialog.getByRole('button', { name: 'Delete all' }).click();
    await entry(20).waitFor({ state: 'detached' });
    expect(opened.studio.store.generations.list({ limit: 10 })).toEqual([]);
  });
});
