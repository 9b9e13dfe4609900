import fs from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { MetricsRow } from '../../electron/studio/store/index.ts';
import { tempDir } from '../temp.ts';
import { seeGpus } from '../gpus.ts';
import { hasEmulator, nvmlStandInPath } from '../native/gpu.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';
import { button, constant, onlyTraining, startRun, state } from './runs.ts';
import { lack, linux, where } from '../frame/needs.ts';

const gib = 2 ** 30;
type Row = Omit<MetricsRow, 'time'>;

/** Every tenth row also has what machine and GPU reported. */
const reporting = (rows: readonly Row[], figures: (n: number) => Partial<Row>): Row[] =>
  rows.map((row, i) => (i % 10 === 9 ? { ...row, ...figures((i + 1) / 10) } : row));

const rows = rowsOf(300, (s) => 5 - s / 100);
const onGpu = reporting(rows, (n) => ({
  ...{ gpuUtilization: n % 2 === 0 ? 0.9 : 0.98, gpuTemperature: 40 + n, gpuPower: 250.25, gpuMemoryBytes: 6 * gib },
  ...{ cpuUtilization: 0.125, cpuTemperature: 55.5, cpuPower: 35, machineMemoryBytes: (8 + n / 10) * gib },
}));
const onCpu = reporting(rows, () => ({ cpuUtilization: 0.5, machineMemoryBytes: 4 * gib }));

const group = (page: Page) => page.getByRole('region', { name: 'System' });
const chartOf = (page: Page, title: string) =>
  page.locator('figure').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
/** What a chart says to those who can't see it. */
const said = (page: Page, title: string) => chartOf(page, title).locator('.hidden-text').first().textContent();
const titles = (page: Page) => group(page).locator('figure').getByRole('heading').allTextContents();

where(describe, [hasBrowser, lack.browser])('what machine and GPU report', () => {
  it("has charts of its own on the run's page, in its units, that are looked at as all others", async () => {
    const { studio, open } = await openStudio();
    const id = await measuredRun(studio, 'warm', { rows: onGpu });
    const page = await open();
    await goTo(page, `run/${id}`, 'warm');
    await group(page).waitFor();
    expect(await titles(page)).toEqual([
      ...['GPU utilization', 'GPU temperature', 'GPU power', 'GPU memory in use'],
      ...['CPU utilization', 'CPU temperature', 'CPU power', 'RAM in use'],
    ]);
    for (const [title, reads] of [
      ['GPU utilization', /from 98\.0 % to 90\.0 %/],
      ['GPU temperature', /from 41\.0 °C to 70\.0 °C/],
      ['GPU power', /least 250\.3 W/],
      ['GPU memory in use', /greatest 6\.00 GiB/],
      ['CPU utilization', /from 12\.5 %/],
      ['CPU temperature', /from 55\.5 °C/],
      ['CPU power', /from 35\.0 W/],
      ['RAM in use', /from 8\.10 GiB to 11\.00 GiB/],
    ] as const)
      await expect.poll(() => said(page, title)).toMatch(reads);

    // The cursor of one chart is that of all: each says what was measured nearest to it.
    const chart = chartOf(page, 'GPU utilization');
    await chart.getByRole('application').focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => chart.locator('.readout').textContent()).toMatch(/Measured.*Smoothed.*9\d\.\d %/);
    await expect.poll(() => chartOf(page, 'GPU temperature').locator('.readout').textContent()).toMatch(/\d\d\.0 °C/);
    await expect.poll(() => chartOf(page, 'Loss').locator('.readout').textContent()).toMatch(/Train loss/);
    // Though few steps have a value, smoothing is one: from one to the next.
    const values = (await chart.locator('.readout tbody td.number').allTextContents()).map((text) => parseFloat(text));
    expect(Math.abs(values[0]! - values[1]!)).toBeGreaterThan(0.5);

    // It is drawn over all steps, those before the first report among them.
    await page.keyboard.press('Home');
    await page.getByRole('heading', { name: 'MFU' }).waitFor();
    await expect.poll(() => chartOf(page, 'MFU').locator('.readout').textContent()).toMatch(/^Step 1Measured/);
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => page.url()).toContain('y.gpuUtilization=');
    await page.keyboard.press('+');
    await expect.poll(() => page.url()).toMatch(/zoom=/);
    await chart.getByRole('button', { name: 'Reset zoom' }).click();
    await expect.poll(() => page.url()).not.toMatch(/zoom=|y\.gpu/);
    await chartOf(page, 'GPU power').getByRole('button', { name: 'Fullscreen' }).click();
    await page.getByRole('dialog').getByRole('heading', { name: 'GPU power' }).first().waitFor();
    await expect.poll(() => page.url()).toContain('full=gpuPower');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    const [csv] = await Promise.all([
      page.waitForEvent('download'),
      chartOf(page, 'GPU temperature').getByRole('button', { name: 'CSV' }).click(),
    ]);
    expect(csv.suggestedFilename()).toBe('gpu-temperature.csv');
    const lines = fs
      .readFileSync(await csv.path(), 'utf8')
      .trimEnd()
      .split('\n');
    expect(lines.slice(0, 3)).toEqual(['Step,GPU temperature', '10,41', '20,42']);
    expect(lines).toHaveLength(31);
    await expectAccessible(page, 'charts of the system');
  });

  it('is shown where there is something: a GPU that reports no power has no such chart, and a run without any no group', async () => {
    const { studio, open } = await openStudio();
    const quiet = reporting(rows, () => ({ gpuUtilization: 0.5 }));
    const ids = {
      quiet: await measuredRun(studio, 'quiet', { rows: quiet }),
      processor: await measuredRun(studio, 'processor', { rows: onCpu }),
      old: await measuredRun(studio, 'old', { rows }),
    };
    const page = await open();
    await goTo(page, `run/${ids.quiet}`, 'quiet');
    await expect.poll(() => titles(page)).toEqual(['GPU utilization']);
    await goTo(page, `run/${ids.processor}`, 'processor');
    await expect.poll(() => titles(page)).toEqual(['CPU utilization', 'RAM in use']);
    await goTo(page, `run/${ids.old}`, 'old');
    await page.getByRole('heading', { name: 'MFU' }).waitFor();
    expect(await group(page).count()).toBe(0);

    // Runs are compared by what one of them has.
    const metric = page.getByLabel('Metric');
    const offered = () => metric.getByRole('option').allTextContents();
    await goTo(page, `compare/${ids.processor},${ids.old}`, 'Compare runs');
    await expect.poll(() => titles(page)).toEqual(['CPU utilization', 'RAM in use']);
    // Who has nothing has no place in the legend, and alone there is none.
    await chartOf(page, 'Loss').locator('.legend').getByRole('button', { name: 'old', exact: true }).waitFor();
    expect(await group(page).locator('.legend').count()).toBe(0);
    const always = ['Best val loss', 'Train loss', 'HellaSwag accuracy', 'Tokens', 'Tokens/s', 'Training time'];
    await expect.poll(offered).toEqual([...always, 'Mean CPU utilization', 'Max RAM in use']);
    await metric.selectOption({ label: 'Mean CPU utilization' });
    await page.getByRole('row', { name: /^processor .* 50 %/ }).waitFor();
    await expectAccessible(page, 'a comparison by what machines report');
    await goTo(page, `compare/${ids.old}`, 'Compare runs');
    await page.getByRole('heading', { name: 'MFU' }).waitFor();
    await expect.poll(offered).toEqual(always);
    expect(await group(page).count()).toBe(0);
  });

  where(it, linux, [hasEmulator && fs.existsSync(nvmlStandInPath), lack.emulator])(
    'comes while a run trains on a GPU whose driver reports it, without what it does not report',
    async () => {
      seeGpus([{}]);
      const libraries = tempDir();
      fs.copyFileSync(nvmlStandInPath, path.join(libraries, 'libnvidia-ml.so.1'));
      vi.stubEnv('LD_LIBRARY_PATH', libraries);
      vi.stubEnv('TRAINYARD_TEST_NVML', 'power');
      onTestFinished(() => void vi.unstubAllEnvs());
      const opened = await openStudio();
      const id = await startRun(opened, 'hot', [constant(100_000)], {
        model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 2, nEmbd: 32 },
        batch: 2,
        tokensPerStep: 32,
        device: { kind: 'cuda' },
        ...onlyTraining,
      });
      const page = await opened.open();
      await goTo(page, `run/${id}`, 'hot');
      await chartOf(page, 'GPU temperature').waitFor();
      await expect.poll(() => said(page, 'GPU temperature')).toMatch(/from 65\.0 °C/);
      await expect.poll(() => said(page, 'GPU utilization')).toMatch(/from 42\.0 %/);
      await expect.poll(() => said(page, 'GPU memory in use')).toMatch(/from 3\.00 GiB/);
      await chartOf(page, 'CPU utilization').waitFor();
      // This GPU reports none, and a machine of tests may not either.
      expect(await chartOf(page, 'GPU power').count()).toBe(0);
      // More comes as time goes by, without another look.
      const { store } = opened.studio;
      await expect
        .poll(() => store.metrics.series(id, 'gpuTemperature').length, { timeout: 30_000 })
        .toBeGreaterThan(1);
      await chartOf(page, 'GPU temperature').getByRole('button', { name: 'Table' }).click();
      await expect
        .poll(() => chartOf(page, 'GPU temperature').locator('tbody tr').count(), { timeout: 30_000 })
        .toBeGreaterThan(1);
      await button(page, 'Pause').click();
      await expect.poll(() => state(page).textContent()).toContain('paused');
      // As often as that is asked, whatever steps there are.
      const { step } = store.runs.get(id);
      expect(store.metrics.series(id, 'gpuTemperature').length).toBeLessThan(step);
    },
  );
});
