import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { datasetNames } from '../../electron/data/index.ts';
import { tempDir } from '../temp.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

where(describe, [hasBrowser, lack.browser])('text is shown before it is tokenized', () => {
  it('with formats, documents and their ends; another field is chosen there', async () => {
    const { open, home } = await openStudio();
    const page = await open();
    const dir = tempDir();
    const lines = Array.from({ length: 500 }, (_, i) => JSON.stringify({ title: `t${i}`, body: `story number ${i}` }));
    fs.writeFileSync(path.join(dir, 'stories.jsonl'), lines.join('\n'));
    fs.writeFileSync(path.join(dir, 'more.csv'), 'body,n\nfrom a table,1\n');
    await goTo(page, 'data', 'Data');
    await page.getByLabel('Drop files, browse, or paste paths').fill(dir);
    const shown = page.getByRole('region', { name: 'Will be read' });
    await shown.getByText('2 files, ').waitFor();
    await shown.getByText('no text in the field text: there are title, body').waitFor();
    await shown.getByText('it has no column text (there are body, n)').waitFor();
    await shown.getByLabel('Use text from').selectOption('body');
    await shown.getByText('story number 1').waitFor();
    await shown.getByText('from a table').waitFor();
    expect(await shown.locator('.problem').count()).toBe(0);
    expect(await shown.getByText('end of document').count()).toBe(4);
    await shown.getByText('Files and formats').click();
    await shown.getByText('stories.jsonl', { exact: false }).first().waitFor();
    await expectAccessible(page, 'a preview of text');
    // Nothing was made of it yet; what was chosen there is what is tokenized.
    expect(datasetNames(home)).toEqual([]);
    await page.getByLabel('Dataset name (optional)').fill('tales');
    await button(page, 'Tokenize').click();
    await page.getByRole('region', { name: 'tales' }).waitFor();
    await shown.waitFor({ state: 'detached' });
    expect(datasetNames(home)).toEqual(['tales']);
  });

  it('follows what is changed, and is left on demand', async () => {
    const { open } = await openStudio();
    const page = await open();
    const file = path.join(tempDir(), 'poems.txt');
    fs.writeFileSync(file, 'First poem.\n\nSecond poem.\n');
    await goTo(page, 'data', 'Data');
    await page.getByLabel('Drop files, browse, or paste paths').fill(`${file}\n${file}.gone`);
    const shown = page.getByRole('region', { name: 'Will be read' });
    await shown.getByText('There is no file or folder').waitFor();
    await page.getByLabel('Drop files, browse, or paste paths').fill(file);
    await expect.poll(() => shown.locator('pre').count()).toBe(1);
    await shown.getByText('There is no file or folder').waitFor({ state: 'detached' });
    await page.getByText('Filter documents').click();
    await page.getByLabel('Split text files on').fill('blank-lines');
    await expect.poll(() => shown.locator('pre').count()).toBe(2);
    await page.getByLabel('Split text files on').fill('nowhere');
    await shown.getByText('"nowhere" stands nowhere in the text').waitFor();
    await page.getByLabel('Subset (hash range)').fill('0-10%');
    await button(page, 'Cancel preview').click();
    await shown.waitFor({ state: 'detached' });
    await page.getByLabel('Subset (hash range)').fill('');
    await shown.getByText('"nowhere" stands nowhere in the text').waitFor();
  });
});
