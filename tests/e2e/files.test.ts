import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { datasetNames, prepareDataset } from '../../electron/data/index.ts';
import { tempDir } from '../temp.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

const sentence = 'the quick brown fox jumps over the lazy dog. ';

where(describe, [hasBrowser, lack.browser])('text that is at the browser', () => {
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
    await expect
      .poll(() => page.getByLabel('Drop files, browse, or paste paths').inputValue())
      .toMatch(/fox\.txt\n.*other\.txt$/);
    expect(fs.readdirSync(path.join(home, 'uploads'))).toHaveLength(2);
    await page.getByLabel('Tokenizer').selectOption('bytes');
    await button(page, 'Tokenize').click();
    await page.getByText('2 files').waitFor();
    await button(page, 'Preview').click();
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
    await page.getByLabel('Drop files, browse, or paste paths').fill(file);
    await page.getByText('Filter documents').click();
    await page.getByLabel('Subset (hash range)').fill('50-0');
    await button(page, 'Tokenize').click();
    await expect.poll(() => page.getByLabel('Subset (hash range)').getAttribute('aria-invalid')).toBe('true');
    await page.getByText('A subset starts below its end').waitFor();
    await page.getByLabel('Subset (hash range)').fill('half');
    await page.getByText('A subset starts below its end').waitFor({ state: 'detached' });
    await page.getByText('Must be a range of whole percents, such as 0-50%.').waitFor();
    expect(await button(page, 'Tokenize').isDisabled()).toBe(true);
    await page.getByLabel('Subset (hash range)').fill('0-50%');
    await page.getByLabel('Filter (field=value)').fill('odd');
    await button(page, 'Tokenize').click();
    await page.getByText('Must be FIELD=VALUE,VALUE…').waitFor();
    expect(await page.getByLabel('Filter (field=value)').getAttribute('aria-invalid')).toBe('true');
    // Quoted where there are commas, as in a terminal; an equals sign may be part of a value.
    await page.getByLabel('Filter (field=value)').fill('set="odd, that is",a=b,odd');
    expect(await page.getByLabel('Filter (field=value)').getAttribute('aria-invalid')).toBe(null);
    await button(page, 'Tokenize').click();
    await page.getByRole('alert').getByText('no text in the field text').waitFor();
    await page.getByLabel('Text field').fill('body');
    await button(page, 'Tokenize').click();
    await page.getByText('2K documents').waitFor();
    await button(page, 'Preview').click();
    await expect.poll(() => page.locator('pre').textContent()).toMatch(/document \d*[13579]\b/);
    expect(await page.locator('pre').textContent()).not.toMatch(/document \d*[02468]\b/);
    await button(page, 'Verify checksums').click();
    await page.getByText(/^many-gpt2-\S+: checksums OK \(\d+ files\)/).waitFor();
    await expectAccessible(page, 'a corpus');
    // What failed left nothing.
    expect(await page.getByText('Incomplete').count()).toBe(0);
    expect(fs.readdirSync(path.join(home, 'datasets'))).toHaveLength(1);
    expect(datasetNames(home)).toHaveLength(1);
  });

  it('is split where it says, has the name that is given, and shows real ends apart from text', async () => {
    const { open, home } = await openStudio();
    const page = await open();
    const file = path.join(tempDir(), 'stories.txt');
    const stories = Array.from({ length: 300 }, (_, i) => `Story ${i} of a <|endoftext|> fox.`);
    fs.writeFileSync(file, stories.join('###'));
    await goTo(page, 'data', 'Data');
    await page.getByLabel('Drop files, browse, or paste paths').fill(file);
    await page.getByText('Filter documents').click();
    await page.getByLabel('Dataset name (optional)').fill('a name');
    await page.getByLabel('Split text files on').fill('###');
    await button(page, 'Tokenize').click();
    await page
      .getByRole('alert')
      .getByText(/can't be named "a name"/)
      .waitFor();
    await page.getByLabel('Dataset name (optional)').fill('Märchen');
    await button(page, 'Tokenize').click();
    const made = page.getByRole('region', { name: 'Märchen' });
    await made.getByText('300 documents').waitFor();
    await made.getByText('Validation: whole documents, 10 % of them').waitFor();
    await made.getByText(/has <\|endoftext\|> in it 300 times/).waitFor();
    await made.getByRole('button', { name: 'Preview' }).click();
    const shown = made.locator('pre');
    await expect.poll(() => shown.locator('.end').count()).toBeGreaterThan(5);
    expect(await shown.locator('.end').first().textContent()).toBe('end of document');
    expect(await shown.textContent()).toMatch(/Story \d+ of a <\|endoftext\|> fox\./);
    await expectAccessible(page, 'a preview');
    expect(datasetNames(home)).toEqual(['Märchen']);
  });

  it('whose preparation was stopped is listed, continued, or deleted', async () => {
    const { open, home } = await openStudio();
    const dir = tempDir();
    for (let i = 0; i < 1500; i++) fs.writeFileSync(path.join(dir, `${i}.txt`), `the text of file ${i}`);
    const stop = async (name: string) => {
      const controller = new AbortController();
      const onProgress = () => controller.abort();
      const options = { home, inputs: [dir], tokenizer: 'bytes', name, signal: controller.signal, onProgress } as const;
      await expect(prepareDataset(options)).rejects.toThrow(/abort/i);
    };
    await stop('first');
    await stop('second');
    const page = await open();
    await goTo(page, 'data', 'Data');
    const left = (name: string) => page.getByRole('region', { name }).filter({ hasText: 'Incomplete' });
    await left('first').getByText('1,500 files').waitFor();
    await left('second').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await left('second').waitFor({ state: 'detached' });
    await left('first').getByRole('button', { name: 'Resume' }).click();
    await page.getByText('1.5K documents').waitFor();
    expect(datasetNames(home)).toEqual(['first']);
    expect(fs.readdirSync(path.join(home, 'datasets'))).toEqual(['first']);
  });

  it('is chosen, and says what is wrong with it', async () => {
    const { open, home } = await openStudio();
    const page = await open();
    const file = path.join(tempDir(), 'wrong.txt');
    fs.writeFileSync(file, Buffer.from([0x66, 0x6f, 0xff, 0xfe]));
    await goTo(page, 'data', 'Data');
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), button(page, 'Browse…').click()]);
    await chooser.setFiles(file);
    await expect.poll(() => page.getByLabel('Drop files, browse, or paste paths').inputValue()).toMatch(/wrong\.txt$/);
    await button(page, 'Tokenize').click();
    await page.getByRole('alert').getByText('not UTF-8').waitFor();
    expect(datasetNames(home)).toEqual([]);
  });
});
