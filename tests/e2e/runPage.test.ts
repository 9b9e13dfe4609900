import fs from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { UserError } from '../../electron/base/errors.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';
import { button } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

async function opened(name = 'first name') {
  const { studio, home, open } = await openStudio();
  const id = await measuredRun(studio, name, { rows: rowsOf(20, (step) => 5 - step / 10) });
  const page = await open();
  await goTo(page, `run/${id}`, name);
  return { studio, home, id, page, open, run: () => studio.store.runs.get(id) };
}

where(describe, [hasBrowser, lack.browser])('on the page of a run', () => {
  it('its title is edited in place', async () => {
    const { page, run, studio } = await opened();
    const field = page.getByLabel('Name', { exact: true });
    await page.getByRole('heading', { level: 1, name: 'first name' }).getByRole('button').click();
    await field.fill('better name');
    await expectAccessible(page, 'title in editing');
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { level: 1, name: 'first name' }).waitFor();
    expect(run().name).toBe('first name');

    // From wherever nothing is being typed.
    await page.keyboard.press('F2');
    await field.fill('   ');
    await page.getByText('Enter a name.').waitFor();
    await page.keyboard.press('Enter');
    await field.fill('x'.repeat(201));
    await page.getByText('Must have at most 200 characters.').waitFor();
    await page.keyboard.press('Enter');
    expect(await field.inputValue()).toHaveLength(201);
    expect(run().name).toBe('first name');

    // What can't be saved stays to be tried again.
    const refuse = vi.spyOn(studio.runs, 'edit').mockImplementation(() => {
      throw new UserError('The disk is full.');
    });
    await field.fill('better name');
    await page.keyboard.press('Enter');
    await page.getByText('The disk is full.').waitFor();
    expect(await field.inputValue()).toBe('better name');
    refuse.mockRestore();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'better name' }).waitFor();
    await expect.poll(() => run().name).toBe('better name');
    // The keyboard is where it was, and opens it again.
    await page.keyboard.press('Enter');
    expect(await field.inputValue()).toBe('better name');
    await field.fill('best name');
    await page.getByRole('tab', { name: 'Config' }).click();
    await page.getByRole('heading', { level: 1, name: 'best name' }).waitFor();
    expect(run().name).toBe('best name');
  });

  it('its tags are chips, suggested from those in use', async () => {
    const { page, run, studio } = await opened();
    const other = await measuredRun(studio, 'other', { rows: rowsOf(2, () => 1) });
    studio.runs.edit(studio.store.runs.get(other), { tags: ['baseline', 'shells'] });
    const add = page.getByRole('combobox', { name: 'Add tag' });
    await add.fill('first');
    await page.keyboard.press('Enter');
    await page.keyboard.type('second,');
    await expect.poll(() => run().tags).toEqual(['first', 'second']);
    // Twice is once.
    await add.fill('first');
    await page.keyboard.press('Enter');
    expect(await button(page, 'Remove tag first').count()).toBe(1);

    await add.fill('base');
    await page.getByRole('option', { name: 'baseline' }).waitFor();
    await expectAccessible(page, 'suggested tags');
    const pointed = () => add.getAttribute('aria-activedescendant');
    await expect.poll(pointed).not.toBe(null);
    const typed = await pointed();
    await page.keyboard.press('ArrowDown');
    await expect.poll(pointed).not.toBe(typed);
    await page.keyboard.press('Enter');
    await expect.poll(() => run().tags).toEqual(['first', 'second', 'baseline']);
    await button(page, 'Remove tag second').click();
    await expect.poll(() => run().tags).toEqual(['first', 'baseline']);
    await page.keyboard.press('Backspace');
    await expect.poll(() => run().tags).toEqual(['first']);

    await add.fill('x'.repeat(51));
    await page.getByText('Must have at most 50 characters.').waitFor();
    await page.keyboard.press('Enter');
    expect(await add.inputValue()).toHaveLength(51);
    await add.fill('a, b');
    await expect.poll(() => run().tags).toEqual(['first', 'a', 'b']);
    // What another window does arrives.
    studio.runs.edit(run(), { tags: ['from elsewhere'] });
    await button(page, 'Remove tag from elsewhere').waitFor();
    expect(await page.getByRole('button', { name: /^Remove tag/ }).count()).toBe(1);
  });

  it.each([0, 15, 40])('tags typed without a pause are all kept, %i ms a letter', async (delay) => {
    const { page, run, studio } = await opened();
    const other = await measuredRun(studio, 'other', { rows: rowsOf(2, () => 1) });
    // Each is the beginning of a tag in use: what is typed counts, not what is suggested.
    studio.runs.edit(studio.store.runs.get(other), { tags: ['tag10', 'baseline', 'shells'] });
    const tags = [...Array.from({ length: 10 }, (_, i) => `tag${i}`), 'ba', 'base', 'sh', 'shell'];
    await page.getByRole('combobox', { name: 'Add tag' }).click();
    for (const [i, tag] of tags.entries()) {
      await page.keyboard.type(tag, { delay });
      await page.keyboard.press(i % 3 === 0 ? ',' : 'Enter');
    }
    await expect.poll(() => run().tags, { timeout: 10_000 }).toEqual(tags);
    await expect.poll(() => page.getByRole('button', { name: /^Remove tag/ }).count()).toBe(tags.length);
  });

  it('its notes are saved as they are typed, and never lost', async () => {
    const { page, run, studio, id, open } = await opened();
    const notes = page.getByLabel('Notes');
    await notes.fill('One warm-up is enough.');
    await page.getByText('Saved', { exact: true }).waitFor();
    expect(run().notes).toBe('One warm-up is enough.');

    // A run that is written to meanwhile does not overwrite what is typed; one that is not edited shows what others write.
    studio.runs.edit(run(), { notes: 'From another window.' });
    await expect.poll(() => notes.inputValue()).toBe('From another window.');
    await notes.focus();
    await page.keyboard.press('End');
    for (const letter of ' Mine, too.') {
      await page.keyboard.type(letter);
      studio.store.events.add(id, null, 'info', 'note', letter);
    }
    await expect.poll(() => run().notes).toBe('From another window. Mine, too.');
    expect(await notes.inputValue()).toBe('From another window. Mine, too.');

    // A save that fails is said, and tried again, also from another page.
    const refuse = vi.spyOn(studio.runs, 'edit').mockImplementation(() => {
      throw new UserError('The disk is full.');
    });
    await notes.fill('Kept.');
    await page.getByText('Not saved, retrying: The disk is full.').waitFor();
    await goTo(page, 'runs', 'Runs');
    await goTo(page, `run/${id}`, 'first name');
    expect(await notes.inputValue()).toBe('Kept.');
    refuse.mockRestore();
    await expect.poll(() => run().notes).toBe('Kept.');

    // Leaving the page saves at once.
    await notes.fill('Left at once.');
    await goTo(page, 'runs', 'Runs');
    await expect.poll(() => run().notes).toBe('Left at once.');

    // And what a window that was closed could not save is there in the next.
    await goTo(page, `run/${id}`, 'first name');
    const again = vi.spyOn(studio.runs, 'edit').mockImplementation(() => {
      throw new UserError('The disk is full.');
    });
    await notes.fill('Closed with it.');
    await page.getByText('Not saved, retrying').waitFor();
    const left = await page.context().storageState();
    await page.close();
    again.mockRestore();
    const next = await open({ storageState: left });
    await goTo(next, `run/${id}`, 'first name');
    await expect.poll(() => next.getByLabel('Notes').inputValue()).toBe('Closed with it.');
    await expect.poll(() => run().notes).toBe('Closed with it.');

    const long = 'x'.repeat(100_001);
    await next.getByLabel('Notes').fill(long);
    await next.getByText('Must have at most 100,000 characters. It has 100,001 and is not saved.').waitFor();
    await expectAccessible(next, 'notes that are too long');
  });

  it('its logs are followed, filtered, copied and downloaded', async () => {
    const { page, studio, id } = await opened();
    for (let i = 1; i <= 200; i++) studio.store.events.add(id, i, 'info', 'note', `line ${i}`);
    studio.store.events.add(id, 201, 'warning', 'skip', 'step 201 was skipped: its gradient is not finite');
    await page.getByRole('tab', { name: 'Logs' }).click();
    await page.getByText('step 201 was skipped').waitFor();
    const lines = page.getByRole('log');
    const fromEnd = () => lines.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight);
    await expect.poll(fromEnd).toBeLessThan(2);
    studio.store.events.add(id, 202, 'error', 'failed', 'and then it failed');
    await page.getByText('and then it failed').waitFor();
    await expect.poll(fromEnd).toBeLessThan(2);
    await expectAccessible(page, 'logs');

    // Who reads further up is left there.
    await lines.evaluate((e) => e.scrollTo(0, 0));
    await expect.poll(() => page.getByLabel('Follow').isChecked()).toBe(false);
    studio.store.events.add(id, 203, 'info', 'note', 'one more');
    await page.getByText('one more').waitFor({ state: 'attached' });
    expect(await lines.evaluate((e) => e.scrollTop)).toBe(0);

    await page.getByLabel('Level').selectOption('warning');
    await page.getByText(/^2 of \d+ lines$/).waitFor();
    await page.getByLabel('Filter lines').fill('GRADIENT finite');
    await page.getByText(/^1 of \d+ lines$/).waitFor();
    // The address says what is looked at.
    await expect.poll(() => page.url()).toMatch(/[?&]tab=logs&level=warning&find=GRADIENT/);
    const [saved] = await Promise.all([page.waitForEvent('download'), button(page, 'Download').click()]);
    expect(saved.suggestedFilename()).toBe(`${id}.log`);
    expect(fs.readFileSync(await saved.path(), 'utf8')).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}warning {2}step 201: step 201 was skipped: its gradient is not finite\n$/,
    );
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await button(page, 'Copy').click();
    await page.getByText('Copied 1 line').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toMatch(/step 201 was skipped/);
    await page.getByLabel('Filter lines').fill('nothing like that');
    await page.getByText('No matching lines').waitFor();
    await expect.poll(() => page.url()).toMatch(/find=nothing/);
    await page.reload();
    await page.getByText('No matching lines').waitFor();
  });
});
