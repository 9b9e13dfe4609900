import { describe, expect, it } from 'vitest';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button, constant, startRun, state } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

where(describe, [hasBrowser, lack.browser])('charts', () => {
  it('of two runs of the same name are told apart, read and zoomed, by pointer and by keys', async () => {
    const opened = await openStudio();
    const ids = [await startRun(opened, 'twin', [constant(200)]), await startRun(opened, 'twin', [constant(200)])];
    for (const id of ids) await opened.studio.handleOf(id)?.ended;
    const page = await opened.open();
    await goTo(page, `run/${ids[0]!}`, 'twin');
    await expect.poll(() => state(page).textContent()).toContain('completed');
    await goTo(page, `compare/${ids.join(',')}`, 'Compare runs');
    const loss = page.locator('figure').filter({ has: page.getByRole('heading', { name: 'Train loss', exact: true }) });
    for (const id of ids) await loss.getByText(`twin (${id})`, { exact: true }).first().waitFor();
    const area = loss.getByRole('application');
    await area.hover({ position: { x: 300, y: 100 } });
    await loss.locator('.readout').getByText(`twin (${ids[1]!})`).first().waitFor();
    // A drag that ends beyond the edge zooms up to it.
    const box = (await area.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.7, box.y + 100);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width + 80, box.y + 100, { steps: 4 });
    await page.mouse.up();
    await button(page, 'Reset zoom').first().waitFor();
    await area.focus();
    await page.keyboard.press('0');
    await button(page, 'Reset zoom').first().waitFor({ state: 'detached' });
    await page.keyboard.press('+');
    await button(page, 'Reset zoom').first().waitFor();
    await page.keyboard.press('ArrowRight');
    await loss.locator('.readout').waitFor();
    await page.keyboard.press('Escape');
    await button(page, 'Reset zoom').first().waitFor({ state: 'detached' });
    await loss.getByRole('button', { name: 'Table' }).click();
    expect(await loss.locator('tbody tr').count()).toBeGreaterThan(10);
    await expectAccessible(page, 'compare');
    // Another pair is another page.
    await page.evaluate(`location.hash = '#/compare/${ids[1]!}'`);
    await expect.poll(() => page.locator('main table').first().locator('tbody tr').count()).toBe(1);
  });
});
