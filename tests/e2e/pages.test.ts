import { describe, expect, it } from 'vitest';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { chord } from './runs.ts';

const pages = [
  ['runs', 'Runs'],
  ['new', 'New run'],
  ['memory', 'Memory'],
  ['evals', 'Evals'],
  ['samples', 'Samples'],
  ['data', 'Data'],
  ['settings', 'Settings'],
] as const;

describe.skipIf(!hasBrowser)('every page of an empty studio', () => {
  it.each(['light', 'dark'] as const)('is there, says what to do, and keeps nobody out (%s)', async (colorScheme) => {
    const { open } = await openStudio();
    const page = await open({ colorScheme });
    for (const [place, heading] of pages) {
      await goTo(page, place, heading);
      await page.waitForTimeout(300);
      await expectAccessible(page, place);
    }
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe(colorScheme);
  });

  it('is reached by the keyboard alone: palette and shortcuts', async () => {
    const { open } = await openStudio();
    const page = await open();
    await goTo(page, 'runs', 'Runs');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('memo');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Memory' }).waitFor();
    await chord(page, 'g', 'd');
    await page.getByRole('heading', { level: 1, name: 'Data' }).waitFor();
    await page.keyboard.press('Control+k');
    await expectAccessible(page, 'palette');
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { level: 1, name: 'Data' }).waitFor();
  });
});
