import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { startCli } from '../cli/run.ts';
import { tempDir } from '../temp.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button, constant, onlyTraining, startRun, state } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

where(describe, [hasBrowser, lack.browser])('jobs', () => {
  it('are seen by all windows, in an order that can be changed, and train one after another', async () => {
    const opened = await openStudio();
    const first = await startRun(opened, 'first', [constant(50_000)], onlyTraining);
    const { studio } = opened;
    const config = studio.runs.configOf(studio.store.runs.get(first));
    const short = { ...config, phases: [constant(5)] };
    const [second, third] = [
      await studio.runs.createQueued(short, 'second'),
      await studio.runs.createQueued(short, 'third'),
    ];
    const page = await opened.open();
    const other = await opened.open({ colorScheme: 'dark', viewport: { width: 900, height: 600 } });
    for (const window of [page, other]) {
      await goTo(window, 'jobs', 'Jobs');
      await window.getByRole('link', { name: 'Train third' }).waitFor();
    }
    const order = (window: typeof page) => window.getByRole('table').first().getByRole('link').allTextContents();
    await expect.poll(() => order(other)).toEqual(['Train first', 'Train second', 'Train third']);
    await button(page, 'Move up: Train third').click();
    await expect.poll(() => order(other)).toEqual(['Train first', 'Train third', 'Train second']);
    await expect.poll(() => page.locator('nav').getByText('3', { exact: true }).count()).toBe(1);
    await page.getByRole('button', { name: 'Log', exact: true }).first().click();
    await expectAccessible(page, 'jobs');
    await expectAccessible(other, 'jobs, dark and small');

    // A queued run says so on its page, and can be taken out there.
    await goTo(other, `run/${second!.id}`, 'second');
    await expect.poll(() => state(other).textContent()).toContain('queued');
    await button(other, 'Remove from queue').click();
    await expect.poll(() => state(other).textContent()).toContain('paused');
    await button(other, 'Add to queue').click();
    await expect.poll(() => state(other).textContent()).toContain('queued');
    await other.context().close();
    await button(page, 'Cancel: Train first').click();
    await expect.poll(() => studio.store.runs.get(third!.id).state).toBe('completed');
    await expect.poll(() => studio.store.runs.get(second!.id).state).toBe('completed');
    await page.getByRole('heading', { name: 'Nothing is running or queued' }).waitFor();
    await button(page, 'Clear finished').click();
    await expect.poll(() => page.getByRole('table').count()).toBe(0);
  });

  it('of a terminal are seen with their progress, and cancelled in a window', async () => {
    const opened = await openStudio();
    const page = await opened.open();
    await goTo(page, 'jobs', 'Jobs');
    const file = path.join(tempDir(), 'long.txt');
    fs.writeFileSync(file, 'a sentence of which there are many. '.repeat(1_000_000));
    const flags = ['--tokenizer', 'gpt2', '--threads', '1'];
    const adding = startCli(['--home', opened.studio.home, 'data', 'add', file, ...flags]);
    await page.getByText('Tokenize long.txt').waitFor();
    await button(page, 'Cancel: Tokenize long.txt').click();
    const { code, stderr } = await adding.result;
    expect([code, stderr.trimEnd()]).toEqual([130, expect.stringMatching(/^cancelled in a window.*progress saved/)]);
    await page.getByRole('heading', { name: 'Nothing is running or queued' }).waitFor();
    await expect.poll(() => page.getByRole('table').last().textContent()).toContain('cancelled');
    expect(await button(page, 'Retry: Tokenize long.txt').count()).toBe(0);
  });

  it('wait while the queue is paused and outside its hours', async () => {
    const opened = await openStudio();
    const page = await opened.open();
    await goTo(page, 'jobs', 'Jobs');
    await button(page, 'Pause queue').click();
    await page.getByText('The queue is paused').waitFor();
    await page.getByLabel('Train queued runs only between').fill('22-7');
    await button(page, 'Save').click();
    await page.getByText('it must be two times of the day, such as 22:00-07:00').waitFor();
    await expectAccessible(page, 'wrong hours');
    await page.getByLabel('Train queued runs only between').fill('22:00-07:00');
    await button(page, 'Save').click();
    await button(page, 'Resume queue').click();
    await page.getByText('Queued runs train from 22:00 to 07:00.').waitFor();
    await page.reload();
    await expect.poll(() => page.getByLabel('Train queued runs only between').inputValue()).toBe('22:00-07:00');
  });

  it('go on when the window that asked for them is closed, and are followed by the next', async () => {
    const opened = await openStudio();
    const page = await opened.open();
    const file = path.join(tempDir(), 'long.txt');
    fs.writeFileSync(file, 'a sentence of which there are many. '.repeat(200_000));
    await goTo(page, 'data', 'Data');
    await page.getByLabel('Drop files, browse, or paste paths').fill(file);
    await button(page, 'Tokenize').click();
    await expect.poll(() => opened.studio.jobs.list().length).toBe(1);
    await page.context().close();
    const next = await opened.open();
    await goTo(next, 'data', 'Data');
    await next.getByRole('heading', { level: 2, name: /^long/ }).waitFor();
    // The dataset is there a moment before its job has ended.
    await expect.poll(() => opened.studio.jobs.list()).toMatchObject([{ kind: 'tokenize', state: 'done' }]);
  });
});
