import { describe, expect, it } from 'vitest';
import { lack, where } from '../frame/needs.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';

where(describe, [hasBrowser, lack.browser])('how charts are looked at', () => {
  it('is in the address, and the same after a reload: zoom of both axes, hidden curves, a chart over the window', async () => {
    const { studio, open } = await openStudio();
    const id = await measuredRun(studio, 'seen', {
      rows: rowsOf(400, (s) => 5 - s / 100),
      evals: [100, 200, 300, 400].map((step) => ({ step, value: 3 + Math.abs(step - 200) / 100 })),
    });
    studio.store.events.add(id, 150, 'warning', 'skip', 'step 150 was skipped: its gradient is not finite');
    const page = await open();
    await goTo(page, `run/${id}`, 'seen');
    const loss = page.locator('figure').filter({ has: page.getByRole('heading', { name: 'Loss', exact: true }) });
    const chart = loss.getByRole('application');
    // The cursor is every chart's, and what is read is what was measured there and its moving average.
    await chart.focus();
    await page.keyboard.press('e');
    await expect.poll(() => loss.getByRole('status').textContent()).toMatch(/^step 150 was skipped.*Train loss 3\.5/);
    expect(await page.locator('.readout').count()).toBeGreaterThan(3);
    await expect.poll(() => loss.locator('.readout').textContent()).toMatch(/Measured.*Smoothed/);
    await page.keyboard.press('e');
    await expect.poll(() => loss.getByRole('status').textContent()).toMatch(/3 nats\/token.*Step 200.*best/);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('+');
    await expect.poll(() => page.url()).toMatch(/zoom=.*_.*y\.loss=|y\.loss=.*zoom=/);

    const legend = (name: string) => loss.locator('.legend').getByRole('button', { name, exact: true });
    await legend('Validation loss').click();
    await expect.poll(() => page.url()).toContain('hide=valLoss');
    await legend('Validation loss').press('s');
    await expect.poll(() => page.url()).toContain('hide=loss');
    await page.getByLabel('Log scale').check();
    await expect.poll(() => page.url()).toContain('log=1');
    await page.reload();
    await expect.poll(() => legend('Train loss').getAttribute('aria-pressed')).toBe('false');
    expect(await legend('Validation loss').getAttribute('aria-pressed')).toBe('true');
    expect(await page.getByLabel('Log scale').isChecked()).toBe(true);
    await loss.getByRole('button', { name: 'Reset zoom' }).click();
    await expect.poll(() => page.url()).not.toMatch(/zoom=|y\.loss=/);
    await expectAccessible(page, 'charts with events');

    await loss.getByRole('button', { name: 'Fullscreen' }).click();
    await page.getByRole('dialog').waitFor();
    await expect.poll(() => page.url()).toContain('full=loss');
    await expectAccessible(page, 'a chart over the window');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(() => page.url()).not.toContain('full=');
  });
});
