import { expect, it } from 'vitest';
import { goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';
import { button } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

where(it, [hasBrowser, lack.browser])(
  'a dialog is no wider than it is read well, however long the name in it is',
  async () => {
    const opened = await openStudio();
    const name = 'n'.repeat(200);
    const id = await measuredRun(opened.studio, name, { rows: rowsOf(3, () => 4) });
    const page = await opened.open();
    await goTo(page, `run/${id}`, name);
    await button(page, 'Archive').click();
    await button(page, 'Delete run').click();
    const { width } = (await page.getByRole('dialog').boundingBox())!;
    expect(width).toBeLessThan(620);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
  },
);
