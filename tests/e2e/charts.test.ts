import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { measuredRun, rowsOf } from './measured.ts';
import { lack, where } from '../frame/needs.ts';

const figure = (page: Page, name: string): Locator =>
  page.locator('figure').filter({ has: page.getByRole('heading', { name, exact: true }) });

/** Puts the pointer over a step of a chart whose steps go from `first` to `last`. */
async function pointAt(chart: Locator, step: number, first: number, last: number): Promise<void> {
  const area = chart.getByRole('application');
  const { width } = (await area.boundingBox())!;
  // The axis of y takes 64 pixels, and half of the last tick's label lies behind the end.
  const [left, right] = [64, width - 12];
  await area.hover({ position: { x: left + ((right - left) * (step - first)) / (last - first), y: 60 } });
}

interface Picture {
  readonly width: number;
  readonly height: number;
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
  };
}

/** Whether a chart shows anything in a color; what is drawn between two pixels is rounded twice. */
const paints = (chart: Locator, color: readonly [number, number, number]): Promise<boolean> =>
  chart.locator('canvas').evaluate((canvas, [r, g, b]) => {
    const picture = canvas as unknown as Picture;
    const { data } = picture.getContext('2d').getImageData(0, 0, picture.width, picture.height);
    for (let i = 0; i < data.length; i += 4)
      if ([r, g, b, 255].every((value, channel) => Math.abs(data[i + channel]! - value) <= 2)) return true;
    return false;
  }, color);

where(describe, [hasBrowser, lack.browser])('a chart', () => {
  it('has the colors of another theme at once, also far below what is seen', async () => {
    const opened = await openStudio();
    const id = await measuredRun(opened.studio, 'long', { rows: rowsOf(200, (s) => 5 - s / 1000) });
    const page = await opened.open();
    await page.setViewportSize({ width: 900, height: 400 });
    await goTo(page, `run/${id}`, 'long');
    const rate = figure(page, 'Learning rate');
    const picture = () =>
      rate.locator('canvas').evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
    await expect.poll(() => rate.evaluate((f) => f.getBoundingClientRect().top > 1.5 * 400)).toBe(true);
    const before = await picture();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(picture).not.toBe(before);
    expect(await rate.evaluate((f) => f.getBoundingClientRect().top > 1.5 * 400)).toBe(true);
  });

  it('shows each value that was measured where it is zoomed into, and never less than two of them', async () => {
    const opened = await openStudio();
    const id = await measuredRun(opened.studio, 'long', { rows: rowsOf(4000, (s) => 5 - s / 1000 + Math.sin(s) / 5) });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'long');
    const loss = figure(page, 'Loss');
    const means = loss.getByText(/over 8-step means; band/);
    await means.waitFor();
    await loss.getByRole('application').focus();
    for (let i = 0; i < 8; i++) await page.keyboard.press('+');
    // Values one by one are a line, and no band of no height.
    await means.waitFor({ state: 'detached', timeout: 5000 });
    for (let i = 0; i < 12; i++) await page.keyboard.press('+');
    await loss.getByRole('button', { name: 'Table' }).click();
    // With its head.
    const rows = await loss.getByRole('row').count();
    expect(rows).toBeGreaterThanOrEqual(3);
    expect(rows).toBeLessThanOrEqual(5);
    await loss.getByRole('button', { name: 'Reset zoom' }).click();
    await means.waitFor();
  });

  it('reads what was measured, where it was measured: validation losses at their own steps alone', async () => {
    const opened = await openStudio();
    const id = await measuredRun(opened.studio, 'sparse', {
      rows: rowsOf(400, (s) => 5 - s / 100),
      evals: [100, 200, 300, 400].map((step) => ({ step, value: 6 - step / 100 })),
    });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'sparse');
    const loss = figure(page, 'Loss');
    const readout = loss.locator('.readout');
    await pointAt(loss, 250, 1, 400);
    await readout.waitFor();
    expect(await readout.textContent()).toMatch(/Step 2[45]\d/);
    expect(await readout.textContent()).not.toContain('Validation loss');
    await pointAt(loss, 200, 1, 400);
    await expect.poll(() => readout.textContent()).toMatch(/Validation loss4\b/);
    expect(await readout.textContent()).toMatch(/Smoothed/);
    // What is read stays what it is when the picture is another one.
    await page.getByLabel('X axis').selectOption('tokens');
    await readout.waitFor({ state: 'detached' });
    await loss.getByRole('application').focus();
    await page.keyboard.press('End');
    await expect.poll(() => readout.textContent()).toContain('Tokens 204,800');
    await expect
      .poll(() => loss.getByRole('status').textContent())
      .toMatch(/^Tokens 204,800; Train loss 1.*; Validation loss 2/);
    await loss.getByRole('button', { name: 'Table' }).click();
    const rows = await loss.locator('tbody tr').allTextContents();
    const cells = await loss
      .locator('tbody tr')
      .evaluateAll((all) => all.map((row) => [...row.querySelectorAll('td')].map((td) => td.textContent.trim())));
    expect(rows.length).toBeGreaterThan(20);
    expect(cells.filter(([, , validation]) => validation !== '').map(([x, , v]) => [x, v])).toEqual([
      ['51,200', '5'],
      ['102,400', '4'],
      ['153,600', '3'],
      ['204,800', '2'],
    ]);
    await expectAccessible(page, 'a chart as a table');
  });

  it('shows one point, says what is not finite and what it leaves out, and holds the newest step', async () => {
    const opened = await openStudio();
    const one = await measuredRun(opened.studio, 'one', { rows: rowsOf(1, () => 5.538) });
    const many = await measuredRun(opened.studio, 'many', {
      rows: rowsOf(5000, (s) => (s === 5000 ? 3.123 : s === 2500 ? 1000 : s < 4 ? Number.NaN : 3 + (s % 10) / 10)),
    });
    const page = await opened.open();
    await goTo(page, `run/${one}`, 'one');
    await expect.poll(() => paints(figure(page, 'Loss'), [0x00, 0x72, 0xb2])).toBe(true);
    await expect.poll(() => paints(figure(page, 'Gradient norm'), [0xa3, 0x49, 0x8b])).toBe(true);
    await goTo(page, `run/${many}`, 'many');
    const loss = figure(page, 'Loss');
    await expect.poll(() => loss.locator('.said').textContent()).toMatch(/Smoothed 0\.60 over 8-step means/);
    expect(await loss.locator('.said').textContent()).toMatch(/at least 1 value outside the visible range/);
    expect(await loss.locator('.said').textContent()).toMatch(/at least 1 NaN or infinite value/);
    await loss.getByRole('application').focus();
    await page.keyboard.press('End');
    await expect.poll(() => loss.locator('.readout').textContent()).toMatch(/Step 5,000[^]*Train loss *3\.123/);
  });

  it('of runs with different tokenizers lays bits per byte over each other, never losses per token', async () => {
    const opened = await openStudio();
    const falling = (from: number) => rowsOf(20, (s) => from - s / 20);
    const evals = (value: number, bytes: number) => [{ step: 20, value, data: { tokens: 100, bytes } }];
    const run = (name: string, tokenizer: 'bytes' | 'gpt2', from: number, value: number, bytes: number) =>
      measuredRun(opened.studio, name, { rows: falling(from), evals: evals(value, bytes), config: { tokenizer } });
    const bytes = await run('by bytes', 'bytes', 2, 1, 100);
    const other = await run('by bytes too', 'bytes', 3, 2, 100);
    const gpt2 = await run('by tokens', 'gpt2', 6, 3, 400);
    const page = await opened.open();
    await page.evaluate(`localStorage.setItem('chart.reference', '1')`);
    await page.reload();

    // Of one tokenizer: nats per token, with the training losses.
    await goTo(page, `compare/${bytes},${other}`, 'Compare runs');
    const loss = figure(page, 'Loss');
    await loss.getByText('nats/token', { exact: true }).first().waitFor();
    expect(await loss.locator('.legend li').count()).toBe(4);
    const table = page.locator('main table').first();
    await expect.poll(() => table.textContent()).toContain('+1.0000 nats/token');
    expect(await loss.locator('.said').textContent()).toContain('Reference runs use the GPT-2 tokenizer');
    expect(await page.getByText('gpt2-medium-4096').count()).toBe(0);

    await goTo(page, `compare/${bytes},${gpt2}`, 'Compare runs');
    await loss.getByText('bits/byte', { exact: true }).first().waitFor();
    expect(await loss.locator('.legend li').allTextContents()).toEqual([
      expect.stringContaining('by bytes, Validation loss'),
      expect.stringContaining('by tokens, Validation loss'),
    ]);
    await expect.poll(() => loss.locator('.said').textContent()).toContain('Tokenizers differ');
    await loss.getByRole('application').focus();
    await page.keyboard.press('End');
    // 1 nat a byte is 1.4427 bits; 3 nats for 4 bytes are 1.082.
    await expect.poll(() => loss.locator('.readout').textContent()).toMatch(/1\.4427 bits\/byte.*1\.082 bits\/byte/);
    await expect.poll(() => table.textContent()).toContain('−0.3607 bits/byte');
    expect(await table.textContent()).not.toMatch(/[+−]\d.*nats\/token/);

    // A ranking by losses per token goes tokenizer by tokenizer; bits per byte rank all.
    await goTo(page, 'runs', 'Runs');
    const names = () => page.locator('tbody tr td:nth-child(2) a').allTextContents();
    await page.getByRole('button', { name: 'Best val loss, nats/token' }).click();
    await expect.poll(names).toEqual(['by bytes', 'by bytes too', 'by tokens']);
    await page.getByRole('button', { name: 'Bits/byte' }).click();
    await expect.poll(names).toEqual(['by tokens', 'by bytes', 'by bytes too']);

    // Alone, over GPT-2's tokens, published curves are there, and bits per byte stand beside the loss.
    await goTo(page, `run/${gpt2}`, 'by tokens');
    await loss.getByText('gpt2-medium-4096').first().waitFor();
    await page.getByText('3.0000').first().waitFor();
    await page.getByText('1.0820').first().waitFor();
  });

  it('keeps the marks of a legend whole beside long names', async () => {
    const { open, studio } = await openStudio();
    const rows = rowsOf(3, (step) => 4 - step);
    const name = 'a name that says all that is to be remembered of a run, as people give them, '.repeat(2).trim();
    const ids = [await measuredRun(studio, `${name} 1`, { rows }), await measuredRun(studio, `${name} 2`, { rows })];
    const page = await open({ viewport: { width: 900, height: 600 } });
    await goTo(page, `compare/${ids.join(',')}`, 'Compare runs');
    const marks = page.locator('.legend svg');
    await marks.first().waitFor();
    const widths = await marks.evaluateAll((all) => all.map((mark) => mark.getBoundingClientRect().width));
    expect(new Set(widths)).toEqual(new Set([22]));
  });
});
