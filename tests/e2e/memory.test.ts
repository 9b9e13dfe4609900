import { describe, expect, it } from 'vitest';
import { runCli } from '../cli/run.ts';
import { goTo, hasBrowser, openStudio } from './browser.ts';
import { lack, where } from '../frame/needs.ts';

interface Fit {
  readonly totalBytes: number;
  readonly roleBytes: Readonly<Record<string, number>>;
  readonly solved?: number;
}

const fit = async (...args: string[]): Promise<Fit> =>
  JSON.parse((await runCli(['fit', '--preset', 'gpt2-medium-4096', '--json', ...args])).stdout) as Fit;

const shown = (bytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const unit = bytes === 0 ? 0 : Math.floor(Math.log2(bytes) / 10);
  return unit === 0 ? `${bytes} B` : `${(bytes / 1024 ** unit).toFixed(2)} ${units[unit]}`;
};

where(describe, [hasBrowser, lack.browser])('the calculator', () => {
  it('shows the numbers of `trainyard fit`, and takes them to a new run', async () => {
    const { open } = await openStudio();
    const page = await open();
    await goTo(page, 'memory', 'Memory');
    await page.getByLabel('Target GPU').selectOption('rtx-3060-12gb');
    const gpu = ['--gpu', 'rtx-3060-12gb'];
    const cell = (name: string) =>
      page
        .getByRole('row', { name: new RegExp(`^${name}`) })
        .getByRole('cell')
        .nth(1);
    const check = async (expected: Fit) => {
      const { roleBytes } = expected;
      await expect.poll(() => page.locator('.verdict').textContent()).toContain(shown(expected.totalBytes));
      for (const [name, bytes] of [
        ['Weights', roleBytes.parameter],
        ['Half-precision weights', roleBytes.working],
        ['Gradients', roleBytes.gradient],
        ['Optimizer states', roleBytes.optimizer],
        ['Activations', roleBytes.activation],
      ] as const)
        if (bytes! > 0) expect(await cell(name).textContent(), name).toBe(shown(bytes!));
    };
    await page.getByText('383,161,344').waitFor();
    await check(await fit(...gpu));
    await page.getByLabel('Optimizer').selectOption('adamw4bit');
    await page.getByLabel('Activation checkpointing').selectOption('attention');
    await check(await fit(...gpu, '--optimizer', 'adamw4bit', '--recompute', 'attention'));
    await page.getByLabel('Precision').selectOption('f32');
    await page.getByLabel('Optimizer').selectOption('adamw');
    await page.getByLabel('Activation checkpointing').selectOption('none');
    await page.getByText(/over budget/).waitFor();
    await page.getByRole('button', { name: 'Apply', exact: true }).first().click();
    await page.getByText(/^Fits/).waitFor();

    await page.getByRole('group', { name: 'Maximize' }).getByRole('button', { name: 'Layers' }).click();
    const { solved } = await fit(...gpu, '--precision', 'bf16', '--solve', 'layers');
    await expect.poll(() => page.getByRole('spinbutton', { name: 'Layers' }).inputValue()).toBe(String(solved));
    await page.getByRole('button', { name: 'New run with this config' }).click();
    await page.getByRole('heading', { level: 1, name: 'New run' }).waitFor();
    await page.getByText('Model & training', { exact: true }).last().click();
    expect(await page.getByLabel('Layers', { exact: true }).inputValue()).toBe(String(solved));
    expect(await page.getByRole('combobox', { name: /^Precision/ }).inputValue()).toBe('bf16');
  });
});
