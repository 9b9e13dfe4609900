import { describe, expect, it } from 'vitest';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';
import { button, constant, onlyTraining, startRun, state } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

where(describe, [hasBrowser, lack.browser])('charts', () => {
  it('of two runs of the same name are told apart, read and zoomed, by pointer and by keys', async () => {
    const opened = await openStudio();
    const ids = [await startRun(opened, 'twin', [constant(200)]), await startRun(opened, 'twin', [constant(200)])];
    for (const id of ids) await opened.studio.training.handleOf(id)?.ended;
    const page = await opened.open();
    await goTo(page, `run/${ids[0]!}`, 'twin');
    await expect.poll(() => state(page).textContent()).toContain('completed');
    await goTo(page, `compare/${ids.join(',')}`, 'Compare runs');
    const loss = page.locator('figure').filter({ has: page.getByRole('heading', { name: 'Loss', exact: true }) });
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

where(describe, [hasBrowser, lack.browser])('a comparison', () => {
  it('grows while a run of it trains, and says when that ends', async () => {
    const opened = await openStudio();
    const ended = await measuredRun(opened.studio, 'ended', { rows: rowsOf(20, (s) => 5 - s / 10) });
    const training = await startRun(opened, 'training now', [constant(100_000)], onlyTraining);
    const page = await opened.open();
    await goTo(page, `compare/${ended},${training}`, 'Compare runs');
    const row = page.locator('main table').first().locator('tbody tr').filter({ hasText: 'training now' });
    await row.getByText('training: constant').waitFor();
    const loss = page.locator('figure').filter({ has: page.getByRole('heading', { name: 'Loss', exact: true }) });
    const said = () => loss.locator('.hidden-text').first().textContent();
    const tokens = () => row.locator('td').nth(5).textContent();
    const [saidFirst, tokensFirst] = [await said(), await tokens()];
    await expect.poll(said).not.toBe(saidFirst);
    await expect.poll(tokens).not.toBe(tokensFirst);
    await opened.studio.training.sendOrder(opened.studio.store.runs.get(training), 'pause');
    await row.getByText('paused').waitFor();
    // What is at its end is the last that was measured.
    const { lastLoss } = opened.studio.store.runs.get(training);
    await expect.poll(() => row.textContent()).toContain(lastLoss!.toFixed(4));
    // Resumed, it is followed again.
    const { handle } = await opened.studio.training.resume(opened.studio.store.runs.get(training));
    await row.getByText('training: constant').waitFor();
    const before = await tokens();
    await expect.poll(tokens).not.toBe(before);
    handle.stop();
    await row.getByText('stopped early').waitFor();
  });

  it('gives looks in order, differences to a baseline, groups, and the settings that differ; a link shows the same', async () => {
    const opened = await openStudio();
    const { studio } = opened;
    const run = (name: string, seed: number, from: number) =>
      measuredRun(studio, name, {
        rows: rowsOf(40, (s) => from - s / 20),
        evals: [20, 40].map((step) => ({ step, value: from - step / 40, data: { tokens: 100, bytes: 100 } })),
        config: { seed },
      });
    const ids = [await run('one', 1, 6), await run('two', 1, 5), await run('three', 2, 7)];
    studio.store.runs.update(ids[0]!, { tags: ['low'] });
    const page = await opened.open();
    await goTo(page, `compare/${ids.join(',')}`, 'Compare runs');
    const table = page.locator('main table').first();
    const loss = page.locator('figure').filter({ has: page.getByRole('heading', { name: 'Loss', exact: true }) });
    const legend = loss.locator('.legend li');
    await expect.poll(() => legend.count()).toBe(6);
    const looks = () =>
      legend
        .locator('line')
        .evaluateAll((all) => all.map((l) => [l.getAttribute('stroke'), l.getAttribute('stroke-dasharray')]));
    const colors = ['#0072b2', '#d55e00', '#007a5a'];
    expect(await looks()).toEqual([...colors.map((c) => [c, '']), ...colors.map((c) => [c, '6 4'])]);

    await expect.poll(() => table.textContent()).toMatch(/baseline.*−1\.0000 nats\/token.*\+1\.0000 nats\/token/);
    await page.getByLabel('Baseline').selectOption({ label: 'three' });
    await expect.poll(() => table.textContent()).toMatch(/−1\.0000 nats\/token.*−2\.0000 nats\/token.*baseline/);
    await page.getByLabel('Metric').selectOption({ label: 'Tokens/s' });
    await page.getByRole('columnheader', { name: 'Δ Tokens/s' }).waitFor();
    await page.getByLabel('Metric').selectOption({ label: 'Train loss' });
    await expect.poll(() => table.textContent()).toContain('−2.0000 nats/token');

    const diff = page.getByRole('region', { name: 'Config differences' }).last();
    expect(await diff.locator('tbody tr').allTextContents()).toEqual([expect.stringMatching(/Seed\s*1\s*1\s*2/)]);

    await page.getByLabel('Group by').selectOption({ label: 'Seed' });
    const grouped = async () => {
      await expect
        .poll(() => legend.allTextContents())
        .toEqual([
          'Seed: 1 (2 runs)',
          'Seed: 2 (1 run)',
          'Seed: 1 (2 runs), Validation loss',
          'Seed: 2 (1 run), Validation loss',
        ]);
      const groups = page.getByRole('table', { name: 'Groups: Train loss' });
      expect(await groups.locator('tbody tr').allTextContents()).toEqual([
        expect.stringMatching(/1\s*2\s*3\.5000 nats\/token\s*3\.0000 nats\/token – 4\.0000 nats\/token\s*−1\.5000/),
        expect.stringMatching(/2\s*1\s*5\.0000 nats\/token.*baseline/),
      ]);
    };
    await grouped();
    await loss.getByRole('application').focus();
    await page.keyboard.press('End');
    await expect
      .poll(() => loss.locator('.readout').textContent())
      .toMatch(/Seed: 1 \(2 runs\), Validation loss *4\.5 /);
    await expectAccessible(page, 'groups of runs');
    await expect.poll(() => page.url()).toMatch(/base=.*metric=loss.*group=setting/);
    await page.reload();
    await grouped();

    await page.getByLabel('Group by').selectOption({ label: 'Tag' });
    await expect.poll(() => legend.first().textContent()).toBe('low (1 run)');
    // What is not there is said, and the others are compared.
    await goTo(page, `compare/${ids[0]!},no-such-run,${ids[1]!}`, 'Compare runs');
    await page.getByText(/^no-such-run can’t be compared: There is no run/).waitFor();
    await expect.poll(() => table.locator('tbody tr').count()).toBe(2);
  });
});
