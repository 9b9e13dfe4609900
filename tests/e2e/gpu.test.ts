import { describe, expect, it } from 'vitest';
import { hasEmulator } from '../native/gpu.ts';
import { seeGpus } from '../gpus.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button, constant, startRun, state } from './runs.ts';
import { lack, where } from '../frame/needs.ts';

const gib = 2 ** 30;
const two = [
  { memoryBytes: 8 * gib, freeBytes: 6 * gib },
  { name: 'large GPU', memoryBytes: 24 * gib, freeBytes: 24 * gib },
];
/** Small enough for a GPU that is played. */
const small = {
  model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 2, nEmbd: 32 },
  batch: 2,
  tokensPerStep: 32,
  evaluation: { every: 0, sequences: 2 },
} as const;

where(describe, [hasBrowser, lack.browser])('a window on a machine', () => {
  it('with two GPUs shows both, and holds a new run against the one that it chooses', async () => {
    seeGpus(two);
    const { open } = await openStudio();
    const page = await open();
    await goTo(page, 'settings', 'Settings');
    await page.getByRole('row', { name: /^cuda 0 ready GPU 0: emulated GPU/ }).waitFor();
    await page.getByRole('row', { name: /^cuda 1 ready GPU 1: large GPU/ }).waitFor();

    await goTo(page, 'memory', 'Memory');
    await page.getByLabel('Target GPU').selectOption({ label: 'GPU 0: emulated GPU, 8.00 GiB' });
    await page.getByText(/this machine's emulated GPU \(GPU 0\)\s+8\.00 GiB/).waitFor();

    await goTo(page, 'new', 'New run');
    await page.getByRole('button', { name: /^nano/ }).click();
    await page.getByText('Model & training', { exact: true }).last().click();
    const device = page
      .getByRole('group')
      .filter({ hasText: 'Activation checkpointing' })
      .getByRole('combobox', { name: /^Device/ });
    await expect
      .poll(() => device.getByRole('option').allTextContents())
      .toEqual([
        'Auto (GPU 1: large GPU, 24.00 GiB)',
        'GPU 1: large GPU, 24.00 GiB',
        'GPU 0: emulated GPU, 8.00 GiB',
        'CPU',
        'TensorFlow.js',
      ]);
    const verdict = page.locator('.verdict');
    await expect.poll(() => verdict.textContent()).toMatch(/this machine's large GPU \(GPU 1\)\s+24\.00 GiB/);
    await device.selectOption('cuda:0');
    await expect.poll(() => verdict.textContent()).toMatch(/this machine's emulated GPU \(GPU 0\)\s+8\.00 GiB/);
    await page.getByRole('row', { name: 'Driver (assumed) 512.00 MiB' }).waitFor();
    await page.getByRole('row', { name: 'Other processes 2.00 GiB' }).waitFor();
    await device.selectOption('cuda:1');
    await expect.poll(() => verdict.textContent()).toMatch(/this machine's large GPU \(GPU 1\)\s+24\.00 GiB/);
    // On a GPU the recipe trains in bfloat16, which has no use for it.
    await page.getByRole('combobox', { name: /^Precision/ }).selectOption('f32');
    await page.getByLabel('TF32 matmuls', { exact: true }).waitFor();
    await expectAccessible(page, 'new run with GPUs');
    await device.selectOption('cpu');
    await expect.poll(() => verdict.textContent()).toMatch(/this machine\s+\d/);
    expect(await page.getByLabel('TF32 matmuls', { exact: true }).count()).toBe(0);
  });

  it('without a GPU that can be used offers none, and says why', async () => {
    seeGpus(['GTX 1080 is too old: it takes an RTX 30']);
    const { open } = await openStudio();
    const page = await open();
    await goTo(page, 'new', 'New run');
    await page.getByText('Model & training', { exact: true }).last().click();
    const device = page
      .getByRole('group')
      .filter({ hasText: 'Activation checkpointing' })
      .getByRole('combobox', { name: /^Device/ });
    await expect
      .poll(() => device.getByRole('option').allTextContents())
      .toEqual(['Auto (CPU)', 'CPU', 'TensorFlow.js']);
    await page.getByText('Unavailable: GTX 1080 is too old: it takes an RTX 30').waitFor();
    await expectAccessible(page, 'new run beside a GPU that is not used');
  });

  where(it, [hasEmulator, lack.emulator])('goes on with a run of the processor on a GPU', async () => {
    seeGpus([two[0]!]);
    const opened = await openStudio();
    const id = await startRun(opened, 'shells', [constant(2)], { ...small, device: { kind: 'cpu' } });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'shells');
    await expect.poll(() => state(page).textContent()).toContain('completed');
    await page.getByRole('tab', { name: 'Memory' }).click();
    await page.getByRole('row', { name: /^Thread scratch/ }).waitFor();

    await page.locator('main').getByLabel('Resume on').selectOption({ label: 'emulated GPU, 8.00 GiB' });
    await button(page, 'Continue training').click();
    await page.getByLabel('Duration').last().fill('3');
    await button(page, 'Apply and continue').click();
    await expect
      .poll(() => opened.studio.store.runs.get(id))
      .toMatchObject({
        state: 'completed',
        step: 5,
        device: 'cuda',
      });
    await page.getByRole('tab', { name: 'Memory' }).click();
    await page.getByRole('row', { name: /^Driver, kernels and CUDA graphs/ }).waitFor();
    await page.getByRole('row', { name: /^Reserved \(kernels, CUDA graphs of later phases\)/ }).waitFor();
    const { data } = opened.studio.store.events.list(id).findLast((e) => e.kind === 'started')!;
    const { allocatedBytes } = data as { allocatedBytes: number };
    const allocated = page
      .getByRole('row', { name: /^Allocated/ })
      .getByRole('cell')
      .first();
    await page.getByRole('rowheader', { name: 'Allocated' }).waitFor();
    expect(await allocated.textContent()).toBe(allocatedBytes.toLocaleString('en-US'));
    await expectAccessible(page, 'run on a GPU');
    await page.getByRole('tab', { name: 'Charts' }).click();
    await page.getByRole('heading', { name: 'Host RAM' }).waitFor();
    await page.getByRole('tab', { name: 'Log' }).click();
    await page.getByRole('cell', { name: 'resumes on a GPU: results are not bit-exact from here on' }).waitFor();
    // Where it has gone it stays.
    expect(await page.locator('main').getByLabel('Resume on').inputValue()).toBe('cuda:0');
  });

  where(it, [hasEmulator, lack.emulator])('does jobs on the device that is chosen', async () => {
    seeGpus([{ ...two[0]!, freeBytes: 100 * 2 ** 20 }, two[1]!]);
    const opened = await openStudio();
    const id = await startRun(opened, 'shells', [constant(2)], { ...small, device: { kind: 'cpu' } });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'shells');
    await expect.poll(() => state(page).textContent()).toContain('completed');
    const { config } = opened.studio.store.runs.get(id);
    const greedy = { name: 'greedy', config: { ...(config as object), device: { kind: 'cuda' } }, device: 'cuda' };
    opened.studio.store.runs.create(greedy);
    const device = page.locator('main').getByLabel('Device');
    const held =
      /emulated GPU is full, 100\.00 MiB .*: the run greedy trains on it: pause it, or take GPU 1 \(--gpu-index 1\)\./;

    await goTo(page, 'evals', 'Evals');
    await page.getByText('Evaluation settings').click();
    await expect
      .poll(() => device.getByRole('option').allTextContents())
      .toEqual(['Run default', 'GPU 1: large GPU, 24.00 GiB', 'GPU 0: emulated GPU, 8.00 GiB', 'CPU', 'TensorFlow.js']);
    const row = page.getByRole('row', { name: /^shells 2/ });
    await device.selectOption('cuda:0');
    await row.getByRole('button', { name: 'Run validation' }).click();
    // Its row says why, until it is tried again.
    await row.getByText(held).waitFor();
    const measured = () => opened.studio.store.evals.list(id).filter((e) => e.dataset === '200 sequences');
    expect(measured()).toEqual([]);
    await device.selectOption('cuda:1');
    await row.getByRole('button', { name: 'Run validation' }).click();
    await page.getByText('200 sequences').first().waitFor();
    expect(measured()).toHaveLength(1);
    await expectAccessible(page, 'evals with GPUs');

    await goTo(page, 'samples', 'Samples');
    // What was chosen on another page is not kept.
    expect(await device.inputValue()).toBe('');
    await expect.poll(() => device.getByRole('option').first().textContent()).toBe('Same as run (CPU)');
    await page.getByLabel('Max new tokens').fill('2');
    await device.selectOption('cuda:0');
    await button(page, 'Generate').click();
    const written = page.getByRole('region', { name: /^shells, step 2/ });
    await expect.poll(() => written.getByRole('alert').textContent()).toMatch(held);
    await device.selectOption('cuda:1');
    await button(page, 'Generate').click();
    await expect.poll(() => written.getByRole('alert').count()).toBe(0);
    await button(page, 'Stop').waitFor({ state: 'detached' });
    await expect.poll(() => written.locator('pre').first().textContent()).not.toBe('');
    await expectAccessible(page, 'playground with GPUs');
  });

  it('asks for no device where there is the processor alone', async () => {
    seeGpus([]);
    const opened = await openStudio();
    const id = await startRun(opened, 'shells', [constant(2)], { ...small, device: { kind: 'cpu' } });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'shells');
    await expect.poll(() => state(page).textContent()).toContain('completed');
    // Here devices are told in any case: what the window knows of them then, it knows on every page.
    await goTo(page, 'new', 'New run');
    await page.getByLabel('Device').getByRole('option', { name: 'CPU', exact: true }).waitFor({ state: 'attached' });
    for (const [place, heading, label] of [
      ['evals', 'Evals', 'Sequences'],
      ['samples', 'Samples', 'Seed'],
    ] as const) {
      await goTo(page, place, heading);
      if (place === 'evals') await page.getByText('Evaluation settings').click();
      await page.getByLabel(label).waitFor();
      expect(await page.locator('main').getByLabel('Device').count(), place).toBe(0);
    }
  });
});
