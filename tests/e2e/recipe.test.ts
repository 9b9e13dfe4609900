import fs from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { lack, where } from '../frame/needs.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button, state } from './runs.ts';

const sentence = 'the quick brown fox jumps over the lazy dog. ';

function textFile(name: string, bytes = 20_000): string {
  const file = path.join(tempDir(), name);
  fs.writeFileSync(file, sentence.repeat(Math.ceil(bytes / sentence.length)));
  return file;
}

async function newRun(options: Parameters<Awaited<ReturnType<typeof openStudio>>['open']>[0] = {}) {
  const opened = await openStudio();
  const page = await opened.open(options);
  await goTo(page, 'new', 'New run');
  await page.getByRole('button', { name: /^nano/, pressed: true }).waitFor();
  return { ...opened, page };
}

const startButton = (page: Page) => button(page, 'Start training');
const bar = (page: Page) => page.getByRole('region', { name: 'Start', exact: true });
const runs = (opened: Awaited<ReturnType<typeof newRun>>) => opened.studio.store.runs.list();
const settings = (page: Page) => page.getByText('Model & training', { exact: true }).last();

/** Begins to tokenize something that takes some seconds. */
async function tokenizeLong({ page }: Awaited<ReturnType<typeof newRun>>): Promise<void> {
  await page.getByLabel('Drop files, browse, or paste paths').fill(textFile('long.txt', 40_000_000));
  await page.locator('.tokenizer select').selectOption('gpt2');
  await button(page, 'Tokenize').click();
  await page.getByText('The text is being tokenized. Start now').waitFor();
}

where(describe, [hasBrowser, lack.browser])('a run from a text file', () => {
  it('trains after two clicks: the file is picked, and Start', async () => {
    const opened = await newRun();
    const { page } = opened;
    const chooser = page.waitForEvent('filechooser');
    await button(page, 'Browse…').click();
    await (await chooser).setFiles(textFile('fox.txt'));
    await startButton(page).click();
    await expect.poll(() => state(page).textContent()).toMatch(/training|evaluating/);
    expect(runs(opened)).toMatchObject([{ name: expect.stringMatching(/^fox/), preset: 'nano' }]);
  });

  it('trains once its text is tokenized, whether the window is open then or not', async () => {
    const opened = await newRun();
    const { page, studio } = opened;
    await tokenizeLong(opened);
    await page.getByLabel('Name', { exact: true }).fill('foxes');
    await startButton(page).click();
    await page.getByText('Training starts as soon as the text is tokenized.').waitFor();
    expect(studio.jobs.list()[0]).toMatchObject({ title: 'Tokenize long.txt, then train foxes', state: 'running' });
    await page.close();
    await expect
      .poll(() =>
        runs(opened)
          .map(({ name, state }) => `${name} ${state}`)
          .join(),
      )
      .toMatch(/^foxes (preparing|training)$/);
    expect(studio.runs.configOf(runs(opened)[0]!)).toMatchObject({
      tokenizer: 'gpt2',
      dataset: expect.stringMatching(/^long-/),
    });
  });

  it('does not where that is taken back, and its text is there for another', async () => {
    const opened = await newRun();
    const { page } = opened;
    await tokenizeLong(opened);
    await startButton(page).click();
    await button(page, 'Do not start').click();
    await expect.poll(() => page.getByRole('combobox', { name: /^Dataset/ }).first().inputValue()).toMatch(/^long-/); // prettier-ignore
    await startButton(page).waitFor();
    expect(runs(opened)).toEqual([]);
  });

  it('is not started on tokens of another kind: they are made anew', async () => {
    const opened = await newRun();
    const { page, studio } = opened;
    await tokenizeLong(opened);
    await page.getByRole('button', { name: /^nano/ }).click();
    await page.getByText('tokenized with gpt2, and this model uses bytes').first().waitFor();
    expect(await startButton(page).isDisabled()).toBe(true);
    await button(page, 'Tokenize with bytes').click();
    await expect.poll(() => page.getByRole('combobox', { name: /^Dataset/ }).first().inputValue()).toMatch(/^long-bytes/); // prettier-ignore
    expect(studio.jobs.list().map((job) => job.state).sort()).toEqual(['cancelled', 'done']); // prettier-ignore
  });

  it('says why it does not train where its text is too short', async () => {
    const opened = await newRun();
    const { page } = opened;
    const file = path.join(tempDir(), 'short.txt');
    fs.writeFileSync(file, 'short');
    const chooser = page.waitForEvent('filechooser');
    await button(page, 'Browse…').click();
    await (await chooser).setFiles(file);
    await bar(page).getByText('Fix before starting').waitFor();
    expect(await startButton(page).isDisabled()).toBe(true);
    expect(runs(opened)).toEqual([]);
  });
});

where(describe, [hasBrowser, lack.browser])('the empty first page', () => {
  it('trains on sample stories after one click', async () => {
    const opened = await openStudio();
    const page = await opened.open();
    await button(page, 'Train on sample stories').click();
    await page.getByRole('heading', { level: 1, name: 'sample stories' }).waitFor();
    await expect.poll(() => state(page).textContent()).toMatch(/training|evaluating/);
    await expectAccessible(page, 'run on sample stories');
  });
});

where(describe, [hasBrowser, lack.browser])('the schedule', () => {
  it('has linked learning rates, until they are unlinked', async () => {
    const { page } = await newRun();
    const [from, to] = [page.getByLabel('LR start'), page.getByLabel('LR end')];
    expect(await from.nth(1).inputValue()).toBe(await to.nth(0).inputValue());
    await to.nth(0).fill('2e-3');
    expect(await from.nth(1).inputValue()).toBe('2e-3');
    const linked = button(page, 'LR linked to the phase before');
    await linked.click();
    await expect.poll(() => linked.getAttribute('aria-pressed')).toBe('false');
    await to.nth(0).fill('3e-3');
    expect(await from.nth(1).inputValue()).toBe('2e-3');
    await linked.click();
    expect(await from.nth(1).inputValue()).toBe('3e-3');
  });

  it('stays within its picture while another one is drawn', async () => {
    const { page } = await newRun();
    await page.evaluate(`(function look() {
      window.widest = Math.max(window.widest ?? 0, document.documentElement.scrollWidth);
      requestAnimationFrame(look);
    })()`);
    for (const name of ['gpt2-medium-4096', 'nano']) {
      const preset = page.getByRole('button', { name: new RegExp(`^${name} `) });
      await preset.click();
      await page.locator('button[aria-pressed=true]', { hasText: name }).waitFor();
      await expect.poll(() => page.getByRole('slider', { name: /LR end$/ }).count()).toBeGreaterThan(0);
    }
    expect(await page.evaluate('window.widest')).toBeLessThanOrEqual(page.viewportSize()!.width);
  });

  it('is changed on its curve, with a pointer and with keys', async () => {
    const { page } = await newRun();
    const end = page.getByRole('slider', { name: 'Phase 1, warmup: LR end' });
    const [rate, length] = [page.getByLabel('LR end').nth(0), page.getByLabel('Duration').nth(0)];
    const before = [Number(await rate.inputValue()), Number(await length.inputValue())] as const;
    await end.focus();
    await page.keyboard.press('ArrowDown');
    expect(Number(await rate.inputValue())).toBeLessThan(before[0]);
    await page.keyboard.press('ArrowRight');
    expect(Number(await length.inputValue())).toBeGreaterThan(before[1]);
    expect(await page.getByLabel('LR start').nth(1).inputValue()).toBe(await rate.inputValue());
    // The picture is drawn anew; then the point is where it was moved to.
    const steps = Number(await length.inputValue());
    await expect.poll(() => end.getAttribute('aria-valuetext')).toContain(`at step ${steps}`);
    await bar(page).getByText('Pick a dataset').waitFor();
    let [place, earlier] = [(await end.boundingBox())!, { x: 0, y: 0 }];
    while (earlier.x !== place.x || earlier.y !== place.y) {
      await page.waitForTimeout(1000);
      [place, earlier] = [(await end.boundingBox())!, place];
    }
    await page.mouse.move(place.x + 12, place.y + 12);
    await page.mouse.down();
    await page.mouse.move(place.x + 72, place.y + 52, { steps: 5 });
    await page.mouse.up();
    await expect.poll(async () => Number(await length.inputValue())).toBeGreaterThan(steps);
    expect(Number(await rate.inputValue())).toBeLessThan(before[0] * 0.9);
    await page.getByText('Fix before starting').waitFor({ state: 'detached' });
    await expectAccessible(page, 'a schedule that was changed on its curve');
  });
});

where(describe, [hasBrowser, lack.browser])('the bar with Start', () => {
  it('is seen from anywhere on the page, with time, memory and what is wrong, and leads there', async () => {
    const { page } = await newRun({ viewport: { width: 900, height: 600 } });
    const isSeen = async () => {
      const { y, height } = (await bar(page).boundingBox())!;
      return y >= 0 && y + height <= 601;
    };
    expect(await isSeen()).toBe(true);
    await expect.poll(() => bar(page).textContent()).toMatch(/Time to train ≈ .*Memory.*[KMG]iB of .*GiB/s);
    await settings(page).click();
    await page.getByLabel('Heads', { exact: true }).fill('7');
    await settings(page).click();
    const problems = bar(page).getByRole('button', { name: 'Fix before starting: 1 problem' });
    await problems.click();
    await expect.poll(() => page.evaluate(`document.activeElement.closest('label')?.textContent.trim()`)).toBe('Heads');
    expect(await isSeen()).toBe(true);
  });

  it('takes numbers with K, M and B', async () => {
    const { page } = await newRun();
    await settings(page).click();
    const tokens = page.getByLabel('Tokens per step (global batch)', { exact: true });
    await tokens.fill('2.048K');
    await page.getByLabel('Duration').nth(1).fill('1.5M');
    await expect.poll(() => bar(page).getByText('Fix before starting').count()).toBe(0);
    await tokens.fill('1.5Q');
    await bar(page).getByText('Fix before starting').waitFor();
    expect(await tokens.getAttribute('aria-invalid')).toBe('true');
    await tokens.fill('4096');
    await tokens.press('ArrowUp');
    expect(await tokens.inputValue()).toBe('4097');
  });
});

where(describe, [hasBrowser, lack.browser])('a recipe', () => {
  it('says where its numbers come from', async () => {
    const { page } = await newRun();
    await page.getByRole('button', { name: /^gpt2 / }).click();
    await page.getByText('Where the numbers come from').click();
    await page.getByRole('link', { name: /^https:\/\/github\.com\/karpathy\/llm\.c/ }).waitFor();
  });

  it('is text as well, in both directions', async () => {
    const { page } = await newRun();
    await settings(page).click();
    await page.getByText('Config as text').click();
    const text = page.getByLabel('Config', { exact: true });
    const layers = page.getByLabel('Layers', { exact: true });
    await expect.poll(() => text.inputValue()).toMatch(/^ {2}nLayer: 4$/m);
    // Defaults stand there, too.
    await expect.poll(() => text.inputValue()).toMatch(/^ {2}keepLast: 2$/m);
    await text.fill((await text.inputValue()).replace('nLayer: 4', 'nLayer: 3').replace(/^seed: .*$/m, 'seed: 77'));
    await expect.poll(() => layers.inputValue()).toBe('3');
    expect(await page.getByLabel('Seed', { exact: true }).inputValue()).toBe('77');
    await layers.fill('5');
    await expect.poll(() => text.inputValue()).toMatch(/^ {2}nLayer: 5$/m);
    await button(page, 'JSON').click();
    await expect
      .poll(async () => (JSON.parse(await text.inputValue()) as { model: unknown }).model)
      .toMatchObject({ nLayer: 5 });
    await expectAccessible(page, 'a config as text');
  });

  it('that is mistyped changes nothing, and says where', async () => {
    const { page } = await newRun();
    await settings(page).click();
    await page.getByText('Config as text').click();
    const text = page.getByLabel('Config', { exact: true });
    const layers = page.getByLabel('Layers', { exact: true });
    // With the defaults that the studio fills in.
    await expect.poll(() => text.inputValue()).toMatch(/lowBitStates: stable/);
    const before = await text.inputValue();
    for (const [typed, said] of [
      ['model:\n  nLayer: 3\n nHead: [', /^Line \d+: /],
      ['- a\n- b', /^A config is a list of settings/],
      ['', /^The config is empty/],
      ['phases: many', /^phases must be a list of phases/],
      ['sampling: {prompts: [1, 2]}', /^sampling\.prompts must be a list of texts/],
    ] as const) {
      await text.fill(typed);
      await page.getByText(said).first().waitFor();
      expect(await layers.inputValue(), typed).toBe('4');
    }
    await layers.focus();
    expect(await text.inputValue()).toContain('prompts: [1, 2]');
    await button(page, 'Discard what is typed').click();
    await expect.poll(() => text.inputValue()).toBe(before);
    // What is no setting is said by its name.
    await text.fill(`${before}\nmomentum: 0.9\n`);
    await bar(page)
      .getByText(/momentum/)
      .waitFor();
    expect(await startButton(page).isDisabled()).toBe(true);
  });
});
