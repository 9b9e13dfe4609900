import fs from 'node:fs';
import path from 'node:path';
import { createRouterClient } from '@orpc/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { router } from '../../electron/api/router.ts';
import type { HellaswagResult, Validated } from '../../electron/api/types.ts';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig, type RunConfig } from '../../electron/engine/run/config.ts';
import type { DeviceChoice } from '../../electron/engine/devices/choose.ts';
import { moduleReserve } from '../../electron/engine/devices/gpu.ts';
import { forkEngine, type SpawnEngine } from '../../electron/studio/run/engine.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { hasEmulator } from '../native/gpu.ts';
import { hasCpu } from '../engine/devices.ts';
import { seeGpus } from '../gpus.ts';
import { tempDir } from '../temp.ts';
import { lack, where } from '../frame/needs.ts';

const two = [{ name: 'first' }, { name: 'second' }];

/** The API on a studio with a run that the processor has trained, and the devices of all jobs that were done. */
async function opened() {
  const home = tempDir();
  const file = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(file, 'pack my box with five dozen liquor jugs. '.repeat(100));
  const { name: dataset } = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
  const devices: RunConfig['device'][] = [];
  const spawn: SpawnEngine = (onMessage) => {
    const engine = forkEngine(onMessage);
    const send = (message: Parameters<typeof engine.send>[0]) => {
      if (message.type === 'evaluate' || message.type === 'hellaswag' || message.type === 'generate')
        devices.push(message.config.device);
      engine.send(message);
    };
    return { ...engine, send };
  };
  const studio = Studio.open(home, spawn);
  onTestFinished(() => studio.shutdown());
  const config = (device: DeviceChoice) =>
    parseRunConfig({
      model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 16 },
      dataset,
      tokenizer: 'bytes',
      batch: 2,
      tokensPerStep: 32,
      phases: [{ kind: 'constant', steps: 4, from: 3e-3, to: 3e-3 }],
      evaluation: { every: 0, sequences: 2 },
      sampling: { tokens: 0 },
      device,
    });
  const { id } = await studio.runs.create(config({ kind: 'cpu' }), 'jugs');
  expect(await studio.training.start(studio.store.runs.get(id)).ended).toMatchObject({ state: 'completed' });
  const client = createRouterClient(router, { context: { studio } });
  const at = (device?: DeviceChoice) => ({ id, step: 4, ...(device ? { device } : {}) });
  studio.jobs.work();
  const ended = async <T>({ job }: { readonly job: number }) => {
    let last;
    for await (const view of await client.jobs.watch({ id: job })) last = view;
    if (last?.state !== 'done') throw new Error(last?.message ?? 'it did not end');
    return { result: last.result as T, output: last.output };
  };
  const loss = async (device?: DeviceChoice) =>
    (await ended<Validated>(await client.models.evaluate({ ...at(device), sequences: 2 }))).result.valLoss;
  const write = async (device?: DeviceChoice) => {
    const sampling = { prompt: 'pack', maxTokens: 4, temperature: 0, topK: 0, topP: 1, seed: 1 };
    return (await ended(await client.models.generate({ ...at(device), ...sampling }))).output;
  };
  const score = async (device: DeviceChoice, items?: string) => {
    const asked = { ...at(device), items: 1, ...(items ? { file: items } : {}) };
    return (await ended<HellaswagResult>(await client.models.hellaswag(asked))).result.items;
  };
  return { home, studio, config, devices, loss, write, score };
}

where(
  describe,
  [hasCpu, lack.cpu],
  [hasEmulator, lack.emulator],
)('a job of the studio', () => {
  it('works where its run trained unless another device is chosen', async () => {
    seeGpus(two);
    const { devices, loss, write, score } = await opened();
    const second = { kind: 'cuda', gpu: 1 } as const;
    const [own, onGpu] = [await loss(), await loss(second)];
    expect(Math.abs(own - onGpu)).toBeLessThan(1e-4);
    expect(await write(second)).toBe(await write());
    const items = path.join(tempDir(), 'items.jsonl');
    const item = { ind: 0, activity_label: 'P', ctx_a: 'He', ctx_b: 'he', endings: ['a', 'b', 'c', 'd'], label: '0' };
    fs.writeFileSync(items, JSON.stringify(item));
    expect(await score(second, items)).toBe(1);
    expect(devices).toEqual([{ kind: 'cpu' }, second, second, { kind: 'cpu' }, second]);
  });

  it('is refused a device that is not there, before anything is fetched', async () => {
    seeGpus([two[0]!]);
    const { home, devices, loss, write, score } = await opened();
    const gone = { kind: 'cuda', gpu: 1 } as const;
    for (const work of [loss, write, score]) await expect(work(gone)).rejects.toThrow(/^There is no GPU 1 here: /);
    expect(devices).toEqual([]);
    expect(fs.existsSync(path.join(home, 'evals'))).toBe(false);
  });

  it('is refused a GPU without room with who holds it, and done where there is some', async () => {
    seeGpus([{ name: 'first', freeBytes: moduleReserve + 2048 }, two[1]!]);
    const { studio, config, loss, write } = await opened();
    studio.store.runs.create({ name: 'greedy', config: config({ kind: 'cuda' }), device: 'cuda' });
    const held =
      /first has 2\.00 KiB free, .* too little: the run greedy trains on it: pause it, or take GPU 1 \(--gpu-index 1\)\.$/;
    for (const work of [loss, write]) await expect(work({ kind: 'cuda' })).rejects.toThrow(held);
    expect(await loss({ kind: 'cuda', gpu: 1 })).toBeGreaterThan(0);
  });
});
