import fs from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { runGpuBench } from '../../electron/cli/benchGpu.ts';
import { examineGpu, type GpuExamination } from '../../electron/cli/doctorGpu.ts';
import type { BenchedStep, BenchEntry, GpuBench, GpuStep } from '../../electron/engine/bench/gpu.ts';
import type { CudaDevice } from '../../electron/engine/devices/cuda/device.ts';
import { checkPrograms } from '../../electron/engine/devices/device.ts';
import { moduleReserve } from '../../electron/engine/devices/gpu.ts';
import { Model } from '../../electron/engine/models/programs.ts';
import { defaultNumbers } from '../../electron/engine/optimizers/index.ts';
import { callCost } from '../../electron/engine/program/cost.ts';
import { plan } from '../../electron/engine/program/planner.ts';
import { cpu, hasCpu } from '../engine/devices.ts';
import { createPlayedGpu, emulatedAddonPath, hasEmulator, standInLibraryPath } from './gpu.ts';
import { printed } from './printed.ts';
import { lack, where } from '../frame/needs.ts';

const mib = 2 ** 20;
/** What a bench leaves free, and a little for plans. */
const little = moduleReserve + 8 * mib;
const model = { vocabSize: 65, contextLength: 16, nLayer: 1, nHead: 2, nEmbd: 32, dropout: 0 };
const tiny: GpuStep = { model, batch: 1, time: 16, precision: 'f32' };

/** An emulated GPU with room for small plans that says to be another. */
function gpu(name = 'emulated GPU', memoryBytes = little): CudaDevice {
  const device = createPlayedGpu({ order: 'forward', library: null, memoryBytes });
  return { ...device, gpu: { ...device.gpu, name } };
}

const defaults = { ordinal: 0, tf32: false, rounds: 1 };

async function json(device: CudaDevice, steps?: readonly GpuStep[]) {
  const command = { ...defaults, json: true, device, ...(steps ? { steps } : {}) };
  const { text, result } = await printed(() => runGpuBench(command));
  return { ok: result, bench: JSON.parse(text) as GpuBench };
}

const isTimed = (entry: BenchEntry): entry is BenchedStep => !('error' in entry);

where(describe, [hasEmulator, lack.emulator])('bench --device cuda', () => {
  it('tells a step with its model, its share of the peak, the floor of each op and its memory', async () => {
    const device = gpu('NVIDIA GeForce RTX 3060', 12 * 1024 * mib);
    const step = { ...tiny, microBatches: 3, optimizer: 'adamw8bit' } as const;
    const { ok, bench } = await json(device, [step]);
    expect(ok).toBe(true);
    const [entry] = bench.steps.filter(isTimed);
    expect(entry).toMatchObject({ step: { model }, precision: 'f32', optimizer: 'adamw8bit', microBatches: 3 });
    const { microSeconds, updateSeconds, seconds, peak, mfu, tokensPerSecond, steps } = entry!;
    expect(seconds).toBeCloseTo(3 * microSeconds + updateSeconds, 12);
    expect(tokensPerSecond).toBeCloseTo((3 * 16) / seconds, 6);
    expect(peak).toBe(12.7e12);
    // 6 for each of 12 · 32² + 65 · 32 weights, 12 · 32 · 16 for attention, of 48 tokens.
    expect(mfu! / ((48 * (6 * (12 * 32 ** 2 + 65 * 32) + 12 * 32 * 16)) / seconds / 12.7e12)).toBeCloseTo(1, 9);

    const gpt2 = new Model(model);
    const settings = { ...defaultNumbers, recompute: 'none', optimizer: 'adamw8bit', batch: 1, time: 16 } as const;
    const { first, further, update } = gpt2.training(settings);
    expect(bench.steps[0]).toMatchObject({ plannedBytes: plan([first, further, update, gpt2.castWeights]).totalBytes });
    for (const { kind, calls, floorSeconds } of entry!.ops) {
      const timed = [further, update].flatMap((p) => p.calls).filter((c) => c.kind === kind);
      expect([kind, calls]).toEqual([kind, steps * timed.length]);
      const costs = timed.map(callCost);
      const sum = (key: 'flops' | 'bytes') => costs.reduce((all, c) => all + c[key], 0);
      const floor = Math.max(sum('flops') / 12.7e12, sum('bytes') / 360e9);
      expect(floorSeconds! / (steps * floor), kind).toBeCloseTo(1, 9);
    }
    expect(entry!.memory).toMatchObject({ arenaBytes: entry!.plannedBytes, heldBytes: entry!.plannedBytes });
  });

  it('tells no share of a peak that is not known', async () => {
    const { bench } = await json(gpu(), [tiny]);
    expect(bench).toMatchObject({ sheet: null, steps: [{ mfu: null, peak: null }] });
  });

  it('goes on behind a step that fails, and says which and why', async () => {
    const wide = { ...tiny, model: { ...model, nEmbd: 144, nHead: 1 } };
    const { ok, bench } = await json(gpu(), [wide, tiny]);
    expect(ok).toBe(false);
    expect(bench.steps[0]).toEqual({ step: wide, error: expect.stringMatching(/heads are 144 wide/) });
    expect(isTimed(bench.steps[1]!)).toBe(true);
  });

  it('says of a step that does not fit by how much, before anything is loaded, and fails of nothing', async () => {
    const device = gpu();
    const large = { ...tiny, model: { ...model, nLayer: 60 } };
    const loads = vi.fn(device.load);
    const room = device.memory().freeBytes - moduleReserve;
    const { ok, bench } = await json({ ...device, load: loads }, [large, tiny]);
    expect(ok).toBe(true);
    const gpt2 = new Model(large.model);
    const training = gpt2.training({ ...defaultNumbers, recompute: 'none', batch: 1, time: 16 });
    const { totalBytes } = plan([training.first, training.update, gpt2.castWeights]);
    expect(bench.steps[0]).toEqual({
      step: large,
      error: expect.stringMatching(/does not fit: its plan needs .* MiB, .* MiB are free, .* MiB too little/),
      missingBytes: totalBytes - room,
    });
    expect(loads).toHaveBeenCalledTimes(1);
    expect(isTimed(bench.steps[1]!)).toBe(true);
  });

  it('takes GPT-2 124M, as PyTorch trains it, and gpt2-medium-4096 with each optimizer, where nobody says', async () => {
    const { ok, bench } = await json(gpu('emulated GPU', mib));
    expect(ok).toBe(true);
    expect(bench.steps.every((s) => !isTimed(s) && s.missingBytes! > 1024 * mib)).toBe(true);
    const reported = bench.steps.map(
      ({ step: { model: m, batch, time, precision, optimizer, microBatches, ...rest } }) =>
        [
          m.nLayer,
          m.dropout,
          batch,
          time,
          precision,
          optimizer ?? '',
          microBatches ?? 1,
          rest.besidePytorch ?? false,
        ].join(' '),
    );
    const small = ['1 1024 f32', ...[1, 8, 12].flatMap((b) => [`${b} 1024 bf16`, `${b} 1024 f16`])];
    const optimizers = ['adamw', 'adamw8bit', 'pagedAdamw8bit', 'adamw4bit'];
    expect(reported).toEqual([
      ...small.map((shape) => `12 0 ${shape}  1 true`),
      ...['f16', 'bf16'].flatMap((p) => optimizers.map((o) => `26 0 1 4096 ${p} ${o} 64 false`)),
    ]);
  });

  it('prints the same for people', async () => {
    const device = gpu('NVIDIA GeForce RTX 3060', 12 * 1024 * mib);
    const command = { ...defaults, json: false, steps: [tiny], device };
    const { text, result } = await printed(() => runGpuBench(command));
    expect(result).toBe(true);
    expect(text).toMatch(/1 layer, 32 wide, batch 1 × 16, f32, adamw: .* ms\/step .* tokens\/s, MFU .* %/);
    expect(text).toMatch(
      /plan .* KiB, arenas the same to the byte; with 0 B of the driver's the process holds [\d.]+ KiB$/m,
    );
    expect(text).toMatch(/^op +calls +ms +share +GFLOP\/s +GB\/s +floor, ms +floor \/ time$/m);
  });

  it.each([
    [-3 * mib, '3.00 MiB less than that'],
    [2048, '2.00 KiB more than that'],
  ])('prints what arenas differ from the plan by: %i bytes', async (off, reported) => {
    const device = gpu();
    // Counted as it is between the first look, before anything is loaded, and the second.
    let looks = 0;
    const memory = () => {
      const now = device.memory();
      return { ...now, arenaBytes: now.arenaBytes + (looks++ === 0 ? 0 : off) };
    };
    const large = { ...tiny, model: { ...model, nLayer: 60 } };
    const command = { ...defaults, json: false, steps: [tiny, large], device: { ...device, memory } };
    const { text } = await printed(() => runGpuBench(command));
    expect(text).toContain(`, arenas ${reported}; with`);
    expect(text).toMatch(/60 layers, .*: it does not fit/);
  });
});

const hasAll = hasEmulator && hasCpu && fs.existsSync(standInLibraryPath);

where(describe, [hasAll, lack.emulator])('doctor --gpu', { timeout: 400_000 }, () => {
  const min = { vocabSize: 17, contextLength: 8, nLayer: 1, nHead: 1, nEmbd: 16, dropout: 0 };
  const examined: GpuExamination['examined'] = {
    models: [{ ...min, contextLength: 40 }],
    // Each precision and each optimizer once: an emulated GPU is slow.
    kinds: [
      { precision: 'f32', optimizer: 'adamw' },
      { precision: 'bf16', optimizer: 'adamw8bit' },
      { precision: 'f16', optimizer: 'pagedAdamw8bit' },
      { precision: 'f32', optimizer: 'adamw4bit' },
    ],
    alike: { model: min, batch: 1, steps: 1 },
    again: { model: { ...min, dropout: 0.1 }, batch: 1, steps: 2 },
  };
  const defaultExamination = {
    ordinal: 0,
    tf32: false,
    json: true,
    examined,
    steps: [tiny],
    rounds: 1,
    library: '',
  } as const;
  const examine = async (examination: Partial<GpuExamination>) => {
    const reference = await cpu(2).open();
    return printed(() => examineGpu({ ...defaultExamination, ...examination, reference }));
  };
  const ofKernels = [
    'every op as on the processor',
    'attention with heads 16 wide',
    'trains as the processor does in f32, with each optimizer',
    'trains as the processor does in bf16, with each optimizer',
    'trains as the processor does in f16, with each optimizer',
    'the same bits when trained twice',
    'the same bits behind a pause',
  ];
  interface Found {
    readonly ok: boolean;
    readonly claims: { readonly claim: string; readonly ok: boolean }[];
  }

  /** A GPU whose work the processor does: it is fast, and what it claims of its memory can be made up. */
  async function simulated() {
    const processor = await cpu(2).open();
    const emulator = gpu();
    const held = { arenas: 0, overhead: 0 };
    const device: CudaDevice = {
      ...emulator,
      gpu: { ...emulator.gpu, overheadBytes: 600 * mib },
      memory: () => ({
        ...emulator.memory(),
        freeBytes: 1024 * mib - held.arenas - held.overhead,
        arenaBytes: held.arenas,
      }),
      overheadBytes: () => held.overhead,
      async load(programs, plan_) {
        checkPrograms(device, programs);
        const session = await processor.load(programs, plan_);
        held.arenas += plan_.totalBytes;
        const close = session.close.bind(session);
        session.close = () => {
          held.arenas -= plan_.totalBytes;
          held.overhead = 0;
          close();
        };
        return session;
      },
    };
    return { device, held };
  }

  it('finds the emulated GPU right in all that it claims, of own kernels and with a library, in one object', async () => {
    const addon = { addon: emulatedAddonPath, order: 'forward' } as const;
    const open = (own: boolean) => createPlayedGpu({ ...addon, library: own ? null : standInLibraryPath });
    const { text, result } = await examine({ open, library: 'cuBLASLt 13.0.2' });
    const found = JSON.parse(text) as Found;
    expect(found.claims.filter((c) => !c.ok)).toEqual([]);
    expect([found.ok, result]).toEqual([true, true]);
    expect(found.claims.map((c) => c.claim)).toEqual([
      ...['own kernels', 'cuBLASLt 13.0.2'].flatMap((who) => ofKernels.map((claim) => `${claim}, ${who}`)),
      "the driver's context takes no more than the 512.00 MiB that `fit` assumes",
      'arenas are the plan, to the byte',
      "the process holds plan and overhead, and no more while it trains, within 1 % or 64.00 MiB, for what is free is other programs' matter, too",
      'kernels and CUDA graphs fit into the 192.00 MiB reserved for them',
      'whole steps are timed',
    ]);
    expect(found).toMatchObject({
      gpu: { name: 'emulated GPU', library: '' },
      bench: { gpu: { library: 'cuBLASLt 13.0.2' }, steps: [{ step: { model } }] },
    });
  });

  it('fails of each thing that is wrong: what the driver takes, memory that is held beside the plan, a step', async () => {
    const { device, held } = await simulated();
    const open = vi.fn(() => ({
      ...device,
      async load(...args: Parameters<CudaDevice['load']>) {
        const session = await device.load(...args);
        const run = session.run.bind(session);
        session.run = (...what) => {
          held.overhead = 65 * mib;
          return run(...what);
        };
        return session;
      },
    }));
    const wide = { ...tiny, model: { ...model, nEmbd: 144, nHead: 1 } };
    const { text, result } = await examine({ json: false, steps: [tiny, wide], open });
    expect(result).toBe(false);
    expect(text).toMatch(
      /^WRONG +the driver's context takes no more than the 512\.00 MiB that `fit` assumes +600\.00 MiB/m,
    );
    expect(text).toMatch(/^✓ +arenas are the plan/m);
    expect(text).toMatch(/^WRONG +the process holds plan and overhead, and no more .* too +65\.00 MiB off/m);
    expect(text).toMatch(/^WRONG +whole steps are timed +.*heads are 144 wide/m);
    expect(text).toMatch(/3 of 12 checks FAILED$/);
    // Without a library there is nothing to look at a second time, and a context takes of the memory.
    expect(open.mock.calls).toEqual([[true]]);
  });

  it('tells what it found of a GPU that answers nothing any more', async () => {
    const { device } = await simulated();
    const open = (own: boolean) => {
      if (!own) throw new Error('The GPU failed: an illegal memory access was encountered');
      return { ...device, gpu: { ...device.gpu, overheadBytes: -1 } };
    };
    const { text, result } = await examine({ open, library: 'cuBLASLt 13.0.2' });
    expect(result).toBe(false);
    const { ok, claims } = JSON.parse(text) as Found;
    expect([ok, claims.length]).toEqual([false, 8]);
    expect(claims.filter((c) => !c.ok)).toEqual([
      { claim: 'the GPU recovers', ok: false, detail: 'The GPU failed: an illegal memory access was encountered' },
    ]);
  });
});
