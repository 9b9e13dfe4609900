import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { datasetNames } from '../../electron/data/index.ts';
import { tempDir } from '../temp.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button } from './runs.ts';

const sentence = 'the quick brown fox jumps over the lazy dog. ';

describe.skipIf(!hasBrowser)('text that is at the browser', () => {
  it('is dropped, becomes a dataset, and leaves no copy', async () => {
    const { open, home } = await openStudio();
    const page = await open();
    await goTo(page, 'data', 'Data');
    // As a browser tells of files that are dropped.
    await page.evaluate(`{
      const carried = new DataTransfer();
      carried.items.add(new File([${JSON.stringify(sentence)}.repeat(200)], 'fox.txt'));
      carried.items.add(new File(['and another text. '.repeat(300)], 'other.txt'));
      const form = document.querySelector('form');
      form.dispatchEvent(new DragEvent('dragover', { dataTransfer: carried, bubbles: true, cancelable: true }));
      form.dispatchEvent(new DragEvent('drop', { dataTransfer: carried, bubbles: true, cancelable: true }));
    }`);
    await expect.poll(() => page.getByLabel('Text files or folders').inputValue()).toMatch(/fox\.txt\n.*other\.txt$/);
    expect(fs.readdirSync(path.join(home, 'uploads'))).toHaveLength(2);
    await page.getByLabel('Tokenizer').selectOption('bytes');
    await button(page, 'Prepare the text').click();
    await page.getByText('2 files').waitFor();
    await button(page, 'Look inside').click();
    await page.getByText('the quick brown fox').waitFor();
    expect(datasetNames(home)).toHaveLength(1);
    expect(fs.readdirSync(path.join(home, 'uploads'))).toEqual([]);
  });

  it('is packed by lines, and chosen among', async () => {
    const { open, home } = await openStudio();
    const page = await open();
    const file = path.join(tempDir(), 'many.jsonl.gz');
    const lines = Array.from({ length: 2000 }, (_, i) =>
      JSON.stringify({ body: `document ${i}`, set: i % 2 ? 'odd' : 'even' }),
    );
    fs.writeFileSync(file, zlib.gzipSync(lines.join('\n')));
    await goTo(page, 'data', 'Data');
    await page.getByLabel('Text files or folders').fill(file);
    await page.getByText('Choose among documents').click();
    await page.getByLabel('Documents by hash').fill('50-0');
    await button(page, 'Prepare the text').click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Documents by hash').fill('0-50%');
    await page.getByLabel('Only where').fill('set=odd');
    await button(page, 'Prepare the text').click();
    await page.getByRole('alert').getByText('no text in the field text').waitFor();
    await page.getByLabel('Field of the text').fill('body');
    await button(page, 'Prepare the text').click();
    await page.getByText('2.00 k documents').waitFor();
    await button(page, 'Look inside').click();
    await expect.poll(() => page.locator('pre').textContent()).toMatch(/document \d*[13579]\b/);
    expect(await page.locator('pre').textContent()).not.toMatch(/document \d*[02468]\b/);
    await button(page, 'Verify').click();
    await page.getByText(/^All \d+ files of many-gpt2-/).waitFor();
    await expectAccessible(page, 'a corpus');
    // What had no text was left in the middle.
    const left = page.getByRole('region', { name: /^many-gpt2-/ }).filter({ hasText: 'Not finished' });
    await left.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('alert').getByText('no text in the field text').waitFor();
    await left.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await left.waitFor({ state: 'detached' });
    expect(fs.readdirSync(path.join(home, 'datasets'))).toHaveLength(1);
    expect(datasetNames(home)).toHaveLength(1);
  });

  it('is chosen, and says what is wrong with it', async () => {
    const { open, home } = await openStudio();
    const page = await open();
    const file = path.join(tempDir(), 'wrong.txt');
    fs.writeFileSync(file, Buffer.from([0x66, 0x6f, 0xff, 0xfe]));
    await goTo(page, 'data', 'Data');
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), button(page, 'Choose files').click()]);
    await chooser.setFiles(file);
    await expect.poll(() => page.getByLabel('Text files or folders').inputValue()).toMatch(/wrong\.txt$/);
    await button(page, 'Prepare the text').click();
    await page.getByRole('alert').getByText('not UTF-8').waitFor();
    expect(datasetNames(home)).toEqual([]);
  });
});
