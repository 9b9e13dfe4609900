import { describe, expect, it } from 'vitest';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';
import { chord } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

const pages = [
  ['runs', 'Runs'],
  ['new', 'New run'],
  ['memory', 'Memory'],
  ['evals', 'Evals'],
  ['samples', 'Samples'],
  ['data', 'Data'],
  ['settings', 'Settings'],
] as const;

where(describe, [hasBrowser, lack.browser])('every page of an empty studio', () => {
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
    await page.getByRole('heading', { level: 1, name: 'Memory calculator' }).waitFor();
    await chord(page, 'g', 'd');
    await page.getByRole('heading', { level: 1, name: 'Data' }).waitFor();
    await page.keyboard.press('Control+k');
    await expectAccessible(page, 'palette');
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { level: 1, name: 'Data' }).waitFor();
  });
});

where(describe, [hasBrowser, lack.browser])('what was measured', () => {
  it('is shown as it was where it overflowed, and hides nothing beside it', async () => {
    const opened = await openStudio();
    await measuredRun(opened.studio, 'diverged', {
      rows: rowsOf(20, (step) => (step === 20 ? Infinity : step)),
      evals: [
        { step: 10, value: Math.log(50_257) },
        { step: 15, value: NaN },
        { step: 20, value: 800 },
      ],
    });
    const page = await opened.open();
    await goTo(page, 'evals', 'Evals');
    const cells = page.locator('tbody tr').filter({ hasNotText: 'published' });
    await expect.poll(() => cells.count()).toBe(3);
    expect(await cells.evaluateAll((rows) => rows.map((r) => r.querySelectorAll('td')[3]!.textContent))).toEqual([
      '∞',
      'NaN',
      '50,257.00',
    ]);
    await goTo(page, 'runs', 'Runs');
    const loss = page.locator('tbody tr').first().locator('td').nth(4);
    await expect.poll(() => loss.textContent()).toBe('∞');
  });

  it('is seen whole in a usual window: the table of runs does not scroll sideways', async () => {
    const opened = await openStudio();
    await measuredRun(opened.studio, 'a run with a rather long name of many words', {
      rows: rowsOf(20, () => 10.1234),
      evals: [{ step: 20, value: 10.1234, data: { tokens: 10, bytes: 40 } }],
      config: { tokenizer: 'gpt2' },
    });
    const page = await opened.open({ viewport: { width: 1280, height: 800 } });
    await goTo(page, 'runs', 'Runs');
    await page.locator('tbody tr').waitFor();
    expect(await page.locator('.card.list').evaluate((card) => card.scrollWidth - card.clientWidth)).toBe(0);
  });
});
