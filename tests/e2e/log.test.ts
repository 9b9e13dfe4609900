import { describe, expect, it, vi } from 'vitest';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';
import { lack, where } from '../frame/needs.ts';

where(describe, [hasBrowser, lack.browser])('a defect of the studio', () => {
  it('is told on the page, which shows the stack in the log behind a link', async () => {
    const opened = await openStudio();
    const id = await measuredRun(opened.studio, 'sound', { rows: rowsOf(3, () => 1) });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'sound');
    vi.spyOn(console, 'error').mockImplementation(() => {});
    vi.spyOn(opened.studio.store.runs, 'list').mockImplementation(() => {
      throw new TypeError('a part is missing');
    });
    await page.evaluate(`location.hash = '#/evals'`);
    await page.getByText('Something went wrong (a part is missing). See the log').first().waitFor();
    await page.getByRole('link', { name: 'Show log' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
    await expect
      .poll(() => page.getByRole('region', { name: 'Log' }).textContent())
      .toMatch(/models\.evals[^]*TypeError: a part is missing\s+at [^]*log\.test\.ts/);
    await expectAccessible(page, 'the log');
    vi.restoreAllMocks();
  });
});
