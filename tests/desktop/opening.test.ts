import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { goTo } from '../e2e/browser.ts';
import { lack, where } from '../frame/needs.ts';
import { tempDir } from '../temp.ts';
import { hasApplication, type Reported, startApplication, startTraining } from './application.ts';

const field = 'Drop files, browse, or paste paths';

where(describe, [hasApplication, lack.browser])('links and files that the application is opened with', () => {
  it('go to the page of a run, or are refused in the window', async () => {
    const { page, ask } = await startTraining();
    const name = (await page.getByRole('heading', { level: 1 }).textContent())!.trim();
    const id = /run\/([^/?]+)/.exec(page.url())![1]!;
    expect((await ask<Reported>({ ask: 'reported' })).protocols).toEqual(['trainyard']);
    for (const by of ['second', 'url']) {
      await goTo(page, 'memory', 'Memory calculator');
      const link = `trainyard://run/${id}`;
      if (by === 'second') await ask({ ask: 'secondStart', sent: { given: ['--flag', link] }, folder: '/' });
      else expect(await ask({ ask: 'openUrl', what: link })).toBe(true);
      await page.getByRole('heading', { level: 1, name }).waitFor();
    }

    await goTo(page, 'memory', 'Memory calculator');
    await ask({ ask: 'openUrl', what: 'trainyard://settings/<b>x</b>' });
    await page.getByRole('alert').getByText("Trainyard can't open the link trainyard://settings/<b>x</b>.").waitFor();
    // An unknown run, and one that is meant by a part of its ID.
    await ask({ ask: 'openUrl', what: 'trainyard://run/no-such-run' });
    await page.getByRole('alert').getByText('no-such-run').waitFor();
    const part = id.slice(0, -1);
    await ask({ ask: 'openUrl', what: `trainyard://run/${part}` });
    await page.getByRole('alert').getByText(`No run has the ID ${part}.`).waitFor();
    // What a second start says is not believed, either.
    for (const sent of [undefined, null, 'trainyard://run/x', { given: [1] }, { given: [], more: 1 }])
      await ask({ ask: 'secondStart', sent, folder: '/' });
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Memory calculator');
    await ask({ ask: 'close', answer: 1 });
  });

  it('fill in the Data page, or the dialog that imports a model', async () => {
    const folder = tempDir();
    const [text, other] = [path.join(folder, 'my texts.jsonl'), path.join(folder, 'other.txt')];
    fs.writeFileSync(text, '{"text": "a rolling stone"}\n');
    fs.writeFileSync(other, 'gathers no moss');
    const model = path.join(folder, 'gpt2');
    fs.mkdirSync(model);
    for (const file of ['config.json', 'model.safetensors']) fs.writeFileSync(path.join(model, file), '{}');

    // At the first start, before there is a window.
    const { page, ask, exited } = await startApplication({ args: [text] });
    await page.getByRole('heading', { level: 1, name: 'Data' }).waitFor();
    await expect.poll(() => page.getByLabel(field).inputValue()).toBe(text);
    // More files, one event each, come to what is there already.
    expect(await ask({ ask: 'openFile', what: other })).toBe(true);
    await expect.poll(() => page.getByLabel(field).inputValue()).toBe(`${text}\n${other}`);

    await ask({ ask: 'secondStart', sent: { given: ['gpt2'] }, folder });
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await expect.poll(() => dialog.getByLabel('Folder on the server').inputValue()).toBe(model);
    // Again while it is open.
    await ask({ ask: 'secondStart', sent: { given: ['gpt2/model.safetensors'] }, folder });
    await expect.poll(() => dialog.getByLabel('Folder on the server').inputValue()).toBe(model);
    await dialog.getByRole('button', { name: 'Cancel' }).click();

    await ask({ ask: 'secondStart', sent: { given: ['gone.jsonl'] }, folder });
    await page
      .getByRole('alert')
      .getByText(`${path.join(folder, 'gone.jsonl')} can't be opened.`)
      .waitFor();
    await ask({ ask: 'close', answer: 2 });
    expect(await exited).toBe(0);
  });

  it('opens the folders of its data and its log, from the menu and from Settings', async () => {
    const { page, ask, home } = await startApplication();
    await goTo(page, 'settings', 'Settings');
    await ask({ ask: 'menu', label: 'Open Log Folder' });
    await ask({ ask: 'menu', label: 'Open Data Folder' });
    await page.getByRole('region', { name: 'Data folder' }).getByRole('button', { name: 'Open folder' }).click();
    await page.getByText('Log', { exact: true }).click();
    await page.getByRole('group').getByRole('button', { name: 'Open folder' }).click();
    const logs = path.join(home, 'logs');
    await expect.poll(async () => (await ask<Reported>({ ask: 'reported' })).opened).toEqual([logs, home, home, logs]);
    expect(fs.statSync(logs).isDirectory()).toBe(true);
  });
});
