import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createRouterClient } from '@orpc/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { router } from '../../electron/api/router.ts';
import { countGpus } from '../../electron/engine/devices/cuda/device.ts';
import { prepareDataset } from '../../electron/data/index.ts';
import { finish } from '../../electron/engine/fit/steps.ts';
import { sizedBudget } from '../../electron/studio/budget.ts';
import { keepDriverMemory } from '../../electron/studio/driverMemory.ts';
import { planReport } from '../../electron/studio/planning/reports.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { seeGpus } from '../gpus.ts';
import { tempDir } from '../temp.ts';

const [mib, gib] = [2 ** 20, 2 ** 30];
const two = [
  { name: 'first', memoryBytes: 8 * gib, freeBytes: 7 * gib },
  { name: 'second', memoryBytes: 24 * gib, freeBytes: 24 * gib },
];

/** The API on a studio with a text, and a draft of a run on it. */
async function opened() {
  const home = tempDir();
  const file = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(file, 'pack my box with five dozen liquor jugs. '.repeat(100));
  const { name: dataset } = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
  const studio = Studio.open(home);
  onTestFinished(() => studio.close());
  const client = createRouterClient(router, { context: { studio } });
  const check = (device: object | undefined, changes: object = {}) => {
    const model = { contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 32 };
    const phases = [{ kind: 'constant', steps: 5, from: 1e-3, to: 1e-3 }];
    const config = { model, dataset, tokenizer: 'bytes', batch: 1, tokensPerStep: 16, phases, ...changes };
    return client.drafts.check({
      config: { ...config, ...(device ? { device } : {}) },
      budget: { kind: 'machine' },
    });
  };
  return { home, studio, client, check };
}

describe('a draft', () => {
  it('is held against the memory of the device that it chooses', async () => {
    seeGpus(two);
    const { home, check } = await opened();
    keepDriverMemory(home, 'second', 300 * mib, 108 * mib);
    const budget = async (device?: object) => (await check(device)).plan!.budget;
    expect(await budget()).toMatchObject({ name: "this machine's second (GPU 1)", totalBytes: 24 * gib });
    expect(await budget({ kind: 'cuda' })).toMatchObject({ name: "this machine's first (GPU 0)" });
    expect(await budget({ kind: 'cuda', gpu: 1 })).toEqual({
      name: "this machine's second (GPU 1)",
      totalBytes: 24 * gib,
      reserveBytes: 300 * mib,
      parts: [
        { role: 'driver', bytes: 300 * mib, source: 'measured' },
        { role: 'others', bytes: 0 },
      ],
    });
    expect(await budget({ kind: 'cpu' })).toMatchObject({ name: 'this machine', parts: [] });
    // Who names a GPU means cuda.
    expect((await check({ gpu: 1 })).config).toMatchObject({ device: { kind: 'cuda', gpu: 1 } });
  });

  it('hears at its device what is wrong with that', async () => {
    seeGpus(two);
    const { check, client, studio } = await opened();
    const gone = await check({ kind: 'cuda', gpu: 5 });
    expect(gone.problems).toEqual([
      { path: 'device.kind', message: expect.stringMatching(/^There is no GPU 5 here: --gpu-index takes 0 to 1/) },
    ]);
    expect(gone.plan).toBeNull();
    const wide = { model: { contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 256 } };
    const refused = await check({ kind: 'cuda' }, wide);
    expect(refused.problems).toEqual([{ path: 'device.kind', message: expect.stringMatching(/256 wide, and 128/) }]);
    expect((await check({ kind: 'cpu' }, wide)).problems).toEqual([]);
    const { config } = await check({ kind: 'cpu' }, wide);
    const create = client.runs.create({ config: { ...config!, device: { kind: 'cuda' } }, name: 'wide', preset: null });
    await expect(create).rejects.toThrow(/256 wide/);
    expect(studio.store.runs.list()).toEqual([]);
  });
});

describe('the calculator on this machine', () => {
  it('takes the GPU that a run would take, and asks the driver once for many questions', async () => {
    const addon = seeGpus(['too old', two[1]!]);
    const { client } = await opened();
    const model = { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 32, dropout: 0 };
    const config = { model, batch: 1, precision: 'f32', recompute: 'none', optimizer: 'adamw' } as const;
    const asked = { config, budget: { kind: 'machine' } } as const;
    expect((await client.fit.plan(asked)).budget).toMatchObject({ name: "this machine's second (GPU 1)" });
    const { budgetBytes } = await client.fit.matrix(asked);
    expect(budgetBytes).toBe(24 * gib - 704 * mib);
    const driver = createRequire(import.meta.url)(addon) as { asked: number };
    const before = driver.asked;
    expect([countGpus(), driver.asked - before]).toEqual([2, 1]);
    for (let i = 0; i < 50; i++) await client.fit.plan(asked);
    expect(driver.asked - before).toBeLessThan(25);
  });
});

it('a plan that pages more than the host has free does not fit, whatever the GPU has', () => {
  const model = { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 32, dropout: 0 };
  const config = { model, batch: 1, precision: 'f32', recompute: 'none', optimizer: 'pagedAdamw8bit' } as const;
  const budget = (hostBytes: number) => ({ ...sizedBudget('GPU', 8 * gib, 0), hostBytes });
  const { hostBytes, left, totalBytes } = finish(planReport(config, budget(gib)));
  expect(left).toBe(8 * gib - totalBytes);
  const refused = finish(planReport(config, budget(hostBytes - 10)));
  expect(refused.left).toBe(-10);
  expect(refused.advice.every((way) => way.pagedBytes < 2 * hostBytes)).toBe(true);
});
