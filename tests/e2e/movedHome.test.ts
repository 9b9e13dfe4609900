import fs from 'node:fs';
import path from 'node:path';
import { it } from 'vitest';
import { tempDir } from '../temp.ts';
import { expectErrors, goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';
import { lack, posix, where } from '../frame/needs.ts';

where(
  it,
  [hasBrowser, lack.browser],
  posix,
)('the Data page of a home that was moved says so, and not that there is no dataset', async () => {
  const { studio, home, open } = await openStudio(path.join(tempDir(), 'home'));
  await measuredRun(studio, 'r', { rows: rowsOf(3, () => 4) });
  const page = await open();
  expectErrors(page, /400/);
  fs.renameSync(home, `${home}-moved`);
  await goTo(page, 'data', 'Data');
  await page
    .getByText(/was moved or removed while Trainyard was running/)
    .first()
    .waitFor({ timeout: 5000 });
});
