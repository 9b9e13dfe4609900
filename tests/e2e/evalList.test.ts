import { describe, expect, it } from 'vitest';
import { lack, where } from '../frame/needs.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';

where(describe, [hasBrowser, lack.browser])('the table of evaluations', () => {
  it('is filtered and sorted with its address, and makes the rows alone that are seen', async () => {
    const opened = await openStudio();
    for (let run = 0; run < 20; run++)
      await measuredRun(opened.studio, `run-${run}`, {
        rows: rowsOf(50, () => 3),
        evals: Array.from({ length: 50 }, (_, i) => ({ step: i + 1, value: 3 + run / 10 + i / 1000 })),
      });
    const page = await opened.open();
    await goTo(page, 'evals', 'Evals');
    const table = page.getByRole('table').last();
    const lines = table.locator('tbody tr').filter({ hasNotText: 'published' });
    const losses = () =>
      lines.evaluateAll((rows) => rows.flatMap((r) => r.querySelectorAll('td')[2]?.firstChild?.textContent ?? []));
    await page.getByRole('status').filter({ hasText: '1,000 rows' }).waitFor();
    expect(await lines.count()).toBeLessThan(120);
    expect(await table.getAttribute('aria-rowcount')).toBe('1001');
    await page.getByRole('button', { name: 'Val loss, nats/token' }).click();
    await expect.poll(async () => (await losses()).slice(0, 2)).toEqual(['3.0000', '3.0010']);
    await page.getByRole('button', { name: 'Val loss, nats/token' }).click();
    await expect.poll(async () => (await losses()).slice(0, 2)).toEqual(['4.9490', '4.9480']);
    await page.getByLabel('Filter by run, data or tokenizer').fill('run-7');
    await page.getByText('50 of 1,000 rows', { exact: true }).waitFor();
    await expect.poll(async () => (await losses()).slice(0, 2)).toEqual(['3.7490', '3.7480']);
    await expectAccessible(page, 'evals that are filtered');
    for (const part of ['q=run-7', 'sort=-loss']) expect(page.url()).toContain(part);
    await page.reload();
    await page.getByText('50 of 1,000 rows', { exact: true }).waitFor();
    await expect.poll(async () => (await losses()).slice(0, 2)).toEqual(['3.7490', '3.7480']);
    // Scrolled far down, what is there is made, and what is above is not any more.
    await page.getByLabel('Filter by run, data or tokenizer').fill('');
    await table.evaluate((t) => (t.parentElement!.scrollTop = 25_000));
    const places = () => lines.evaluateAll((rows) => rows.map((r) => Number(r.ariaRowIndex)).filter((at) => at > 0));
    await expect.poll(async () => Math.min(...(await places()))).toBeGreaterThan(300);
    expect(await lines.count()).toBeLessThan(120);
  });
});
