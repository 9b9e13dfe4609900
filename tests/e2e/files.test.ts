import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { datasetNames, prepareDataset } from '../../electron/data/index.ts';
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
    await expect.poll(() => page.getByLabel('Documents by hash').getAttribute('aria-invalid')).toBe('true');
    await page.getByText('A subset begins below its end').waitFor();
    await page.getByLabel('Documents by hash').fill('half');
    await page.getByText('A subset begins below its end').waitFor({ state: 'detached' });
    await page.getByText('Must be a range of whole percents, such as 0-50%.').waitFor();
    expect(await button(page, 'Prepare the text').isDisabled()).toBe(true);
    await page.getByLabel('Documents by hash').fill('0-50%');
    await page.getByLabel('Only where').fill('odd');
    await button(page, 'Prepare the text').click();
    await page.getByText('Must be FIELD=VALUE,VALUE…').waitFor();
    expect(await page.getByLabel('Only where').getAttribute('aria-invalid')).toBe('true');
    // Quoted where there are commas, as in a terminal; an equals sign may be part of a value.
    await page.getByLabel('Only where').fill('set="odd, that is",a=b,odd');
    expect(await page.getByLabel('Only where').getAttribute('aria-invalid')).toBe(null);
    await button(page, 'Prepare the text').click();
    await page.getByRole('alert').getByText('no text in the field text').waitFor();
    await page.getByLabel('Field of the text').fill('body');
    await button(page, 'Prepare the text').click();
    await page.getByText('2.00 k documents').waitFor();
    await button(page, 'Look inside').click();
    await expect.poll(() => page.locator('pre').textContent()).toMatch(/document \d*[13579]\b/);
    expect(await page.locator('pre').textContent()).not.toMatch(/document \d*[02468]\b/);
    await button(page, 'Verify').click();
    await page.getByText(/^many-gpt2-\S+ is sound: \d+ files/).waitFor();
    await expectAccessible(page, 'a corpus');
    // What failed left nothing.
    expect(await page.getByText('Not finished').count()).toBe(0);
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
    await page.getByLabel('Text files or folders').fill(file);
    await page.getByText('Choose among documents').click();
    await page.getByLabel('Name of the dataset').fill('a name');
    await page.getByLabel('Split text files on').fill('###');
    await button(page, 'Prepare the text').click();
    await page
      .getByRole('alert')
      .getByText(/can't be named "a name"/)
      .waitFor();
    await page.getByLabel('Name of the dataset').fill('Märchen');
    await button(page, 'Prepare the text').click();
    const made = page.getByRole('region', { name: 'Märchen' });
    await made.getByText('300 documents').waitFor();
    await made.getByText('Validation: whole documents, 10 % of them').waitFor();
    await made.getByText(/has <\|endoftext\|> in it 300 times/).waitFor();
    await made.getByRole('button', { name: 'Look inside' }).click();
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
    const left = (name: string) => page.getByRole('region', { name }).filter({ hasText: 'Not finished' });
    await left('first').getByText('1,500 files').waitFor();
    await left('second').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await left('second').waitFor({ state: 'detached' });
    await left('first').getByRole('button', { name: 'Go on' }).click();
    await page.getByText('1.50 k documents').waitFor();
    expect(datasetNames(home)).toEqual(['first']);
    expect(fs.readdirSync(path.join(home, 'datasets'))).toEqual(['first']);
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
