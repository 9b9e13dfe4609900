import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig, type Phase, type RunConfigInput } from '../../electron/engine/run/config.ts';
import { moduleReserve } from '../../electron/engine/devices/gpu.ts';
import { openDevice } from '../../electron/engine/devices/choose.ts';
import type { DeviceChoice } from '../../electron/engine/devices/choose.ts';
import type { MemoryReport } from '../../electron/engine/run/events.ts';
import { UserError } from '../../electron/base/errors.ts';
import { machineBudget } from '../../electron/studio/budget.ts';
import { driverMemoryOf } from '../../electron/studio/driverMemory.ts';
import type { Run } from '../../electron/studio/store/index.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { hasEmulator } from '../native/gpu.ts';
import { hasCpu } from '../engine/devices.ts';
import { seeGpus } from '../gpus.ts';
import { tempDir } from '../temp.ts';
import { lack, where } from '../frame/needs.ts';

const four: Phase = { kind: 'constant', steps: 4, from: 3e-3, to: 3e-3 };

/** A studio with a text. */
async function workplace() {
  const [home, texts] = [tempDir(), tempDir()];
  const file = path.join(texts, 'fox.txt');
  fs.writeFileSync(file, 'the quick brown fox jumps over the lazy dog. '.repeat(100));
  const { name: dataset } = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
  const studio = Studio.open(home);
  onTestFinished(() => studio.close());
  const config = (changes: Partial<RunConfigInput> = {}) =>
    parseRunConfig({
      model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 2, nEmbd: 32, dropout: 0.1 },
      dataset,
      tokenizer: 'bytes',
      batch: 2,
      tokensPerStep: 64,
      phases: [four],
      evaluation: { every: 0, sequences: 2 },
      sampling: { tokens: 0 },
      checkpoints: { every: 0 },
      device: { kind: 'cpu', threads: 1 },
      ...changes,
    });
  /** Trains to the end. */
  const trained = async (run: Run) => {
    expect(await studio.training.start(run).ended).toMatchObject({ state: 'completed' });
    return studio.store.runs.get(run.id);
  };
  /** Trains four steps more. */
  const onwards = async (run: Run, device?: DeviceChoice) => {
    await studio.training.changePhases(run, { started: null, later: null, add: [four] });
    const { handle } = await studio.training.resume(studio.store.runs.get(run.id), device);
    expect(await handle.ended).toMatchObject({ state: 'completed' });
    return studio.store.runs.get(run.id);
  };
  const losses = (run: Run) => studio.store.metrics.read(run.id).map((m) => m.loss!);
  const last = <T>(of: readonly T[]): T => of.at(-1)!;
  const evaluate = async (run: Run, device?: DeviceChoice) => {
    for await (const update of studio.models.evaluate(run, run.step, 2, undefined, device))
      if (update.kind === 'done') return update.valLoss;
    throw new Error('it did not end');
  };
  return { home, studio, config, trained, onwards, losses, last, evaluate };
}

where(
  describe,
  [hasCpu, lack.cpu],
  [hasEmulator, lack.emulator],
)('a run that goes on on another device', () => {
  it('comes to nearly the same losses as one that stays, says so, and stays where it went', async () => {
    seeGpus([{}]);
    const { home, studio, config, trained, onwards, losses } = await workplace();
    const staying = await trained(await studio.runs.create(config({ phases: [four, four, four, four] }), 'staying'));

    let run = await trained(await studio.runs.create(config(), 'moving'));
    expect(studio.store.events.list(run.id).some((e) => e.kind === 'device')).toBe(false);
    run = await onwards(run, { kind: 'cuda' });
    expect(run).toMatchObject({ device: 'cuda', step: 8, config: { device: { kind: 'cuda', threads: 1 } } });
    run = await onwards(run);
    expect(run).toMatchObject({ device: 'cuda', step: 12 });
    run = await onwards(run, { kind: 'cpu' });
    expect(run).toMatchObject({ device: 'cpu', step: 16, config: { device: { kind: 'cpu', threads: 1 } } });

    const events = studio.store.events.list(run.id);
    expect(events.filter((e) => e.kind === 'device').map((e) => [e.step, e.message])).toEqual([
      [4, 'resumes on a GPU: results are not bit-exact from here on'],
      [12, 'resumes on the CPU: results are not bit-exact from here on'],
    ]);
    const started = events.filter((e) => e.kind === 'started').map((e) => /training on (\w+)/.exec(e.message)![1]);
    expect(started).toEqual(['cpu', 'cuda', 'cuda', 'cpu']);

    const [expected, actual] = [losses(staying), losses(run)];
    expect(actual).toHaveLength(16);
    expect(actual.slice(0, 4)).toEqual(expected.slice(0, 4));
    for (const [i, loss] of actual.entries()) expect(Math.abs(loss - expected[i]!), `step ${i + 1}`).toBeLessThan(1e-3);

    expect(driverMemoryOf(home, 'emulated GPU').source).toBe('measured');
    // What the calculator leaves for a plan is what the next run has for it.
    const { memory } = await openDevice({ kind: 'cuda' }, { precision: 'f32', findings: home });
    const budget = machineBudget(home, { kind: 'cuda' });
    expect(budget.totalBytes - budget.reserveBytes).toBe(memory.bytes);
  });

  it('is left as it was where the other device is not there', async () => {
    seeGpus([]);
    const { studio, config, trained } = await workplace();
    const run = await trained(await studio.runs.create(config(), 'staying'));
    await studio.training.changePhases(run, { started: null, later: null, add: [four] });
    const before = studio.store.runs.get(run.id);
    await expect(studio.training.resume(before, { kind: 'cuda' })).rejects.toThrow(/trainyard doctor/);
    expect(studio.store.runs.get(run.id)).toMatchObject({ state: before.state, config: before.config, pid: null });
  });
});

where(
  describe,
  [hasCpu, lack.cpu],
  [hasEmulator, lack.emulator],
)('a run that is continued', () => {
  const change = { started: null, later: null, add: [four] };

  it('keeps its phases and its device where it is refused, and takes both where it is not', async () => {
    seeGpus([{}, { name: 'full GPU', freeBytes: 0 }]);
    const { studio, config, trained } = await workplace();
    const run = await trained(await studio.runs.create(config(), 'staying'));
    const before = studio.store.runs.get(run.id);
    const full = /^Phase 2 .* too little: end what else uses the GPU .*, or take GPU 0 \(--gpu-index 0\)\.$/;
    for (const _ of [1, 2])
      await expect(studio.training.continue(before, change, { kind: 'cuda', gpu: 1 })).rejects.toThrow(full);
    // Its folder of checkpoints can't be written: what is found out last.
    const root = studio.checkpoints.rootOf(run);
    fs.renameSync(root, `${root}.away`);
    fs.writeFileSync(root, '');
    await expect(studio.training.continue(before, change, { kind: 'cuda' })).rejects.toThrow(UserError);
    fs.rmSync(root);
    fs.renameSync(`${root}.away`, root);
    expect(studio.store.runs.get(run.id)).toEqual(before);
    expect(studio.store.events.list(run.id).filter((e) => e.kind === 'phases' || e.kind === 'device')).toEqual([]);

    const resumed = await studio.training.continue(before, change, { kind: 'cuda' });
    expect(resumed).toMatchObject({ step: 4, notice: expect.stringMatching(/^resumes on a GPU: /) as string });
    expect(await resumed!.handle.ended).toMatchObject({ state: 'completed' });
    expect(studio.store.runs.get(run.id)).toMatchObject({ device: 'cuda', step: 8, stepsTotal: 8 });
  });

  it('says where the GPU is another model, though it has the same number', async () => {
    seeGpus([{ name: 'old GPU' }, { name: 'old GPU' }]);
    const { studio, config, trained } = await workplace();
    const run = await trained(await studio.runs.create(config({ device: { kind: 'cuda' } }), 'moving'));
    const onwards = async (device?: DeviceChoice) => {
      const resumed = await studio.training.continue(studio.store.runs.get(run.id), change, device);
      await resumed!.handle.ended;
      return resumed!.notice;
    };
    expect(await onwards({ kind: 'cuda', gpu: 1 })).toBe('resumes on GPU 1');
    seeGpus([{}, { name: 'new GPU' }]);
    expect(await onwards()).toBe('resumes on new GPU instead of old GPU: results are not bit-exact from here on');
    expect(await onwards()).toBeNull();
  });
});

where(
  describe,
  [hasCpu, lack.cpu],
  [hasEmulator, lack.emulator],
)('a checkpoint of a run that trained on a GPU', () => {
  it('is evaluated on the processor where no GPU is', async () => {
    seeGpus([{}]);
    const { studio, config, trained, evaluate } = await workplace();
    const run = await trained(await studio.runs.create(config({ device: { kind: 'cuda' } }), 'moved'));
    const onGpu = await evaluate(run);
    seeGpus([]);
    const [onCpu, asked] = [await evaluate(run), await evaluate(run, { kind: 'cpu' })];
    expect(Math.abs(onCpu - onGpu)).toBeLessThan(1e-3);
    expect(asked).toBe(onCpu);
    await expect(evaluate(run, { kind: 'cuda' })).rejects.toThrow(UserError);
    const { config: stored } = studio.store.runs.get(run.id);
    expect(stored).toMatchObject({ device: { kind: 'cuda' } });
  });

  it('says how much memory is missing, and who holds it', async () => {
    seeGpus([{}]);
    const { studio, config, trained, evaluate } = await workplace();
    const run = await trained(await studio.runs.create(config({ device: { kind: 'cuda' } }), 'small'));
    seeGpus([{ freeBytes: moduleReserve + 2048 }]);
    const missing = /^Evaluating needs .* and cuda: emulated GPU has 2\.00 KiB free, .* too little: /;
    await expect(evaluate(run)).rejects.toThrow(missing);
    await expect(evaluate(run)).rejects.toThrow(/nvidia-smi lists it\), or use the CPU \(--device cpu\)\.$/);
    studio.store.runs.create({ name: 'greedy', config: config({ device: { kind: 'cuda' } }), device: 'cuda' });
    await expect(evaluate(run)).rejects.toThrow(
      /the run greedy trains on it: pause it, or use the CPU \(--device cpu\)\.$/,
    );
    expect(await evaluate(run, { kind: 'cpu' })).toBeGreaterThan(0);
  });
});

describe('a run that its device can not train', () => {
  it.each([
    [
      'its heads are too wide',
      { model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 256 } },
      /256 wide/,
    ],
    [
      'its memory does not suffice',
      { model: { vocabSize: 257, contextLength: 16, nLayer: 48, nHead: 16, nEmbd: 2048 } },
      /the device has 7\.31 GiB free, .* too little/,
    ],
  ])('is refused before anything is made, where %s', async (_, changes, reason) => {
    seeGpus([{}]);
    const { studio, config } = await workplace();
    await expect(studio.runs.create(config({ ...changes, device: { kind: 'cuda' } }), 'refused')).rejects.toThrow(
      reason,
    );
    expect(studio.store.runs.list()).toEqual([]);
  });
});

where(
  it,
  [hasCpu, lack.cpu],
  [hasEmulator, lack.emulator],
)('memory in the host, and for later phases, is told apart from the rest', async () => {
  seeGpus([{}]);
  const { studio, config, trained } = await workplace();
  const phases: Phase[] = [
    { ...four, optimizer: 'pagedAdamw8bit', batch: 1 },
    { ...four, optimizer: 'adamw', batch: 4 },
  ];
  const run = await trained(await studio.runs.create(config({ device: { kind: 'cuda' }, phases }), 'growing'));
  const reported = studio.store.events.list(run.id).filter((e) => e.kind === 'started' || e.kind === 'optimizer');
  const [first, second] = reported.map((e) => e.data as MemoryReport);
  expect(first).toMatchObject({ device: 'cuda', plannedBytes: first!.allocatedBytes });
  expect(first!.hostBytes).toBe(first!.roleBytes.paged);
  expect(first!.hostBytes).toBeGreaterThan(0);
  // What the second phase takes is held from the start, to the byte.
  expect(second).toMatchObject({ hostBytes: 0 });
  const held = ({ allocatedBytes, hostBytes, reservedBytes }: MemoryReport) =>
    allocatedBytes - hostBytes + reservedBytes;
  expect(held(first!)).toBe(held(second!));
  expect(first!.reservedBytes).toBeGreaterThan(1000);
  expect(second!.reservedBytes).toBe(0);
});
