import { describe, expect, it } from 'vitest';
import { hasEmulator } from '../cuda/devices.ts';
import { seeGpus } from '../gpus.ts';
import { expectAccessible, goTo, hasBrowser, openStudio } from './browser.ts';
import { button, constant, startRun, state } from './runs.ts';

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

describe.skipIf(!hasBrowser)('a window on a machine', () => {
  it('with two GPUs shows both, and holds a new run against the one that it chooses', async () => {
    seeGpus(two);
    const { open } = await openStudio();
    const page = await open();
    await goTo(page, 'settings', 'Settings');
    await page.getByRole('row', { name: /^cuda 0 ready GPU 0: emulated GPU/ }).waitFor();
    await page.getByRole('row', { name: /^cuda 1 ready GPU 1: large GPU/ }).waitFor();

    await goTo(page, 'memory', 'Memory');
    await page.getByLabel('Held against').selectOption({ label: 'GPU 0: emulated GPU, 8.00 GiB' });
    await page.getByText(/this machine's emulated GPU \(GPU 0\)\s+8\.00 GiB/).waitFor();

    await goTo(page, 'new', 'New run');
    await page.getByRole('button', { name: /^nano/ }).click();
    await page.getByText('Settings', { exact: true }).last().click();
    const device = page.getByRole('group').filter({ hasText: 'Recompute' }).getByLabel('Device');
    await expect
      .poll(() => device.getByRole('option').allTextContents())
      .toEqual([
        'As usual: GPU 1: large GPU, 24.00 GiB',
        'GPU 1: large GPU, 24.00 GiB',
        'GPU 0: emulated GPU, 8.00 GiB',
        'Processor',
        'TensorFlow.js',
      ]);
    const verdict = page.locator('.verdict');
    await expect.poll(() => verdict.textContent()).toMatch(/this machine's large GPU \(GPU 1\)\s+24\.00 GiB/);
    await device.selectOption('cuda:0');
    await expect.poll(() => verdict.textContent()).toMatch(/this machine's emulated GPU \(GPU 0\)\s+8\.00 GiB/);
    await page.getByRole('row', { name: 'Driver (assumed) 512.00 MiB' }).waitFor();
    await page.getByRole('row', { name: 'Other programs, now 2.00 GiB' }).waitFor();
    await device.selectOption('cuda:1');
    await expect.poll(() => verdict.textContent()).toMatch(/this machine's large GPU \(GPU 1\)\s+24\.00 GiB/);
    await page.getByLabel('Tensor cores (tf32)').waitFor();
    await expectAccessible(page, 'new run with GPUs');
    await device.selectOption('cpu');
    await expect.poll(() => verdict.textContent()).toMatch(/this machine\s+\d/);
    expect(await page.getByLabel('Tensor cores (tf32)').count()).toBe(0);
  });

  it('without a GPU that can be used offers none, and says why', async () => {
    seeGpus(['GTX 1080 is too old: it takes an RTX 30']);
    const { open } = await openStudio();
    const page = await open();
    await goTo(page, 'new', 'New run');
    await page.getByText('Settings', { exact: true }).last().click();
    const device = page.getByRole('group').filter({ hasText: 'Recompute' }).getByLabel('Device');
    await expect
      .poll(() => device.getByRole('option').allTextContents())
      .toEqual(['As usual: Processor', 'Processor', 'TensorFlow.js']);
    await page.getByText('Not used: GTX 1080 is too old: it takes an RTX 30').waitFor();
    await expectAccessible(page, 'new run beside a GPU that is not used');
  });

  it.skipIf(!hasEmulator)('goes on with a run of the processor on a GPU', async () => {
    seeGpus([two[0]!]);
    const opened = await openStudio();
    const id = await startRun(opened, 'shells', [constant(2)], { ...small, device: { kind: 'cpu' } });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'shells');
    await expect.poll(() => state(page).textContent()).toContain('completed');
    await page.getByRole('tab', { name: 'Memory' }).click();
    await page.getByRole('row', { name: /^Scratch memory of the threads/ }).waitFor();

    await page.locator('main').getByLabel('Go on with').selectOption({ label: 'emulated GPU, 8.00 GiB' });
    await button(page, 'Train on').click();
    await page.getByLabel('Duration').last().fill('3');
    await button(page, 'Change phases and train').click();
    await expect
      .poll(() => opened.studio.store.getRun(id))
      .toMatchObject({
        state: 'completed',
        step: 5,
        device: 'cuda',
      });
    await page.getByRole('tab', { name: 'Memory' }).click();
    await page.getByRole('row', { name: /^Driver, kernels and recordings/ }).waitFor();
    await page.getByRole('row', { name: /^Held for kernels and recordings of later phases/ }).waitFor();
    const { data } = opened.studio.store.listEvents(id).findLast((e) => e.kind === 'started')!;
    const { allocatedBytes } = data as { allocatedBytes: number };
    const allocated = page
      .getByRole('row', { name: /^Allocated for the plan/ })
      .getByRole('cell')
      .first();
    await page.getByRole('rowheader', { name: 'Allocated for the plan' }).waitFor();
    expect(await allocated.textContent()).toBe(allocatedBytes.toLocaleString('en-US'));
    await expectAccessible(page, 'run on a GPU');
    await page.getByRole('tab', { name: 'Charts' }).click();
    await page.getByRole('heading', { name: 'Host memory of the engine' }).waitFor();
    await page.getByRole('tab', { name: 'Log' }).click();
    await page
      .getByRole('cell', { name: 'goes on with a GPU: from here on its numbers differ in the last bits' })
      .waitFor();
    // Where it has gone it stays.
    expect(await page.locator('main').getByLabel('Go on with').inputValue()).toBe('cuda:0');
  });

  it.skipIf(!hasEmulator)('does jobs on the device that is chosen', async () => {
    seeGpus([{ ...two[0]!, freeBytes: 100 * 2 ** 20 }, two[1]!]);
    const opened = await openStudio();
    const id = await startRun(opened, 'shells', [constant(2)], { ...small, device: { kind: 'cpu' } });
    const page = await opened.open();
    await goTo(page, `run/${id}`, 'shells');
    await expect.poll(() => state(page).textContent()).toContain('completed');
    const { config } = opened.studio.store.getRun(id);
    const greedy = { name: 'greedy', config: { ...(config as object), device: { kind: 'cuda' } }, device: 'cuda' };
    opened.studio.store.createRun(greedy);
    const device = page.locator('main').getByLabel('Device');
    const held =
      /emulated GPU is full, 100\.00 MiB .*: the run greedy trains on it: pause it, or take GPU 1 \(--gpu-index 1\)\./;

    await goTo(page, 'evals', 'Evals');
    await page.getByText('What is evaluated').click();
    await expect
      .poll(() => device.getByRole('option').allTextContents())
      .toEqual([
        'Each run’s own, where it can be used',
        'GPU 1: large GPU, 24.00 GiB',
        'GPU 0: emulated GPU, 8.00 GiB',
        'Processor',
        'TensorFlow.js',
      ]);
    const row = page.getByRole('row', { name: /^shells 2/ });
    await device.selectOption('cuda:0');
    await row.getByRole('button', { name: 'Val. loss' }).click();
    await page.getByText(held).waitFor();
    // An error is shown until it is dismissed.
    await button(page, 'Dismiss').click();
    const measured = () => opened.studio.store.listEvals(id).filter((e) => e.dataset === '200 sequences');
    expect(measured()).toEqual([]);
    await device.selectOption('cuda:1');
    await row.getByRole('button', { name: 'Val. loss' }).click();
    await page.getByText('200 sequences').first().waitFor();
    expect(measured()).toHaveLength(1);
    await expectAccessible(page, 'evals with GPUs');

    await goTo(page, 'samples', 'Samples');
    // What was chosen on another page is not kept.
    expect(await device.inputValue()).toBe('');
    expect(await device.getByRole('option').first().textContent()).toBe('The run’s own: Processor');
    await page.getByLabel('Tokens').fill('2');
    await device.selectOption('cuda:0');
    await button(page, 'Write').click();
    await expect.poll(() => page.locator('form [role=alert]').textContent()).toMatch(held);
    await device.selectOption('cuda:1');
    await button(page, 'Write').click();
    await expect.poll(() => page.locator('form [role=alert]').count()).toBe(0);
    await button(page, 'Stop').waitFor({ state: 'detached' });
    await expect.poll(() => page.locator('pre').first().textContent()).not.toBe('');
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
    await page
      .getByLabel('Device')
      .getByRole('option', { name: 'Processor', exact: true })
      .waitFor({ state: 'attached' });
    for (const [place, heading, label] of [
      ['evals', 'Evals', 'Sequences'],
      ['samples', 'Samples', 'Seed'],
    ] as const) {
      await goTo(page, place, heading);
      if (place === 'evals') await page.getByText('What is evaluated').click();
      await page.getByLabel(label).waitFor();
      expect(await page.locator('main').getByLabel('Device').count(), place).toBe(0);
    }
  });
});
