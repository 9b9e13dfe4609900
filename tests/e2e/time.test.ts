import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { lack, where } from '../frame/needs.ts';

where(describe, [hasBrowser, lack.browser])('time before the start', () => {
  it('suggests what a card can train, times a new run, and holds the run against it', async () => {
    const { open, studio } = await openStudio();
    const page = await open();
    await goTo(page, 'memory', 'Memory');
    await page.getByLabel('Target GPU').selectOption('rtx-3060-12gb');
    await page.getByText(/≈ .* on NVIDIA GeForce RTX 3060 12 GB/).waitFor();
    const first = page.getByRole('button', { name: /^New run with .* parameters$/ }).first();
    await first.waitFor();
    await expectAccessible(page, 'memory');
    const size = /with (\S+) parameters/.exec((await first.getAttribute('aria-label'))!)![1]!;
    await first.click();
    // The draft has its shape: what was suggested is what the memory is planned for.
    await page.getByRole('heading', { level: 1, name: 'New run' }).waitFor();
    expect(size).toMatch(/^[\d.]+M$/);
    await page.getByText(/≈ .* on NVIDIA GeForce RTX 3060 12 GB/).waitFor();

    const file = path.join(tempDir(), 'fox.txt');
    fs.writeFileSync(file, 'the quick brown fox jumps over the lazy dog. '.repeat(400));
    await page.getByRole('button', { name: /^shakespeare-cpu/ }).click();
    await page.getByLabel('Duration').nth(1).fill('10');
    await page.getByLabel('Duration').nth(0).fill('10');
    await page.getByLabel('Drop files, browse, or paste paths').fill(file);
    await page.getByRole('button', { name: 'Tokenize' }).click();
    await page.getByText(/^measured, .* tokens\/s$/).waitFor();
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.getByText(/expected .*, took /).waitFor();
    const [run] = studio.store.runs.list();
    expect(studio.store.events.list(run!.id).find((e) => e.kind === 'promise')!.data).toMatchObject({
      how: 'measured',
    });
  });
});
