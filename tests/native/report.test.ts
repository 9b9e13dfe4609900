import { describe, expect, it } from 'vitest';
import { floorOf, peakOfKind } from '../../electron/engine/bench/floor.ts';
import { dataSheetOf, peakOf } from '../../electron/engine/fit/gpus.ts';
import { findGpu, gpus } from '../../electron/engine/fit/gpus.ts';
import { Model } from '../../electron/engine/models/programs.ts';
import { callCost, programCost } from '../../electron/engine/program/cost.ts';
import { allOps, opOf } from '../../electron/engine/program/declare.ts';
import { embedTokens, geluTanh, rotary, rotaryTable } from '../../electron/engine/ops/index.ts';
import { Recorder } from '../../electron/engine/program/recorder.ts';
import type { Buffer, Call, Program } from '../../electron/engine/program/types.ts';
import { defaultNumbers, optimizerKinds } from '../../electron/engine/optimizers/index.ts';
import { Scorer } from '../../electron/engine/use/scorer.ts';

const gib = 2 ** 30;

/** Ops that other models than GPT-2 are made of, with their gradients. */
function others(): Program {
  const [rows, width, headDim] = [1024, 512, 128];
  const r = new Recorder({
    training: true,
    precision: 'bf16',
    gradientOf: ({ shape }) => ({ name: 'dwte', shape, dtype: 'f32', role: 'gradient' }),
  });
  const input = (name: string, shape: number[]): Buffer => ({ name, shape, dtype: 'i32', role: 'input' });
  const wte: Buffer = { name: 'wte', shape: [4096, width], dtype: 'bf16', role: 'working' };
  const [x, y] = [r.activation('x', [rows, width]), r.activation('y', [rows, width])];
  const table = r.transient('table', [rows, headDim]);
  r.emit(embedTokens, { tokens: input('tokens', [1, rows]), wte, x });
  r.emit(rotaryTable, { positions: input('positions', [1]), table }, { base: 10_000 });
  r.emit(rotary, { x, table }, { heads: width / headDim, inverse: 0 });
  r.emit(geluTanh, { x, y });
  const loss: Buffer = { name: 'loss', shape: [rows, width], dtype: 'bf16', role: 'output' };
  r.emit(geluTanh, { x: y, y: loss });
  r.into(loss);
  r.backward();
  return r.program('others');
}

/** One call of every kind, at a size at which what it does an element outweighs the rest. */
function largeCalls(): Map<string, Call> {
  const model = { vocabSize: 4096, contextLength: 1024, nLayer: 1, nHead: 4, nEmbd: 512, dropout: 0.1 };
  const gpt2 = new Model(model, 'bf16');
  const settings = { ...defaultNumbers, batch: 1, time: 1024, recompute: 'none' } as const;
  const programs = [
    ...optimizerKinds.flatMap((optimizer) => gpt2.training({ ...settings, optimizer }).programs),
    gpt2.evaluation(1, 1024).program,
    new Scorer(gpt2, 1024).program,
    gpt2.decode(1, 1024, gpt2.cache(1)).program,
  ];
  programs.push(others());
  const calls = new Map(programs.flatMap((p) => p.calls).map((call) => [call.kind, call]));
  expect([...calls.keys()].sort()).toEqual(allOps().map((o) => o.kind));
  return calls;
}

describe('data sheets', () => {
  it.each([
    ['NVIDIA GeForce RTX 3060', 12 * gib, 'rtx-3060-12gb'],
    ['NVIDIA RTX A5000', 24 * gib, 'rtx-a5000'],
    ['NVIDIA A100-SXM4-80GB', 80 * gib, 'a100-80gb'],
    ['NVIDIA A100-SXM4-40GB', 40 * gib, 'a100-40gb'],
    ['NVIDIA H100 80GB HBM3', 80 * gib, 'h100-80gb'],
    ['NVIDIA GeForce RTX 4060 Ti', 16 * gib, 'rtx-4060-ti-16gb'],
    ['NVIDIA GeForce RTX 3060 Ti', 8 * gib, 'rtx-3060-ti'],
    ['NVIDIA GeForce RTX 5060 Ti', 16 * gib, 'rtx-5060-ti-16gb'],
    ['NVIDIA GeForce RTX 5090', 32 * gib, 'rtx-5090'],
    ['NVIDIA RTX A4000', 16 * gib, 'rtx-a4000'],
    ['NVIDIA RTX 6000 Ada Generation', 48 * gib, 'rtx-6000-ada'],
    ['NVIDIA GeForce RTX 3080', 10 * gib, 'rtx-3080-10gb'],
    ['NVIDIA GeForce RTX 3080', 12 * gib, 'rtx-3080-12gb'],
    ['NVIDIA GeForce RTX 3050', 6 * gib, 'rtx-3050-6gb'],
    ['NVIDIA GeForce RTX 4060 Ti', 8 * gib, 'rtx-4060-ti-8gb'],
    ['NVIDIA A10', 22.1 * gib, 'a10'],
    ['NVIDIA A40', 44.4 * gib, 'a40'],
    ['NVIDIA L4', 22.1 * gib, 'l4'],
    ['NVIDIA L40S', 45 * gib, 'l40s'],
    ['NVIDIA H200', 140 * gib, 'h200'],
  ])('are found by what a driver calls a GPU: %s', (name, memoryBytes, id) => {
    expect(dataSheetOf({ name, memoryBytes })?.id).toBe(id);
  });

  it.each(['NVIDIA GeForce RTX 3070 Ti', 'NVIDIA GeForce RTX 3060 Laptop GPU', 'NVIDIA H100 PCIe', 'emulated GPU'])(
    'are not taken of another model: %s',
    (name) => {
      expect(dataSheetOf({ name, memoryBytes: 12 * gib })).toBeUndefined();
      expect(peakOf({ name, memoryBytes: 12 * gib }, 'f16', false)).toBeNaN();
    },
  );

  it.each([
    ['NVIDIA GeForce RTX 3060', 8 * gib],
    ['NVIDIA GeForce RTX 3090', 21 * gib],
    ['NVIDIA A100-SXM4-40GB', 60 * gib],
    ['NVIDIA H200', 80 * gib],
  ])('are not taken of a model with another memory: %s with %i bytes', (name, memoryBytes) => {
    expect(dataSheetOf({ name, memoryBytes })).toBeUndefined();
  });

  it('tell the peak of a precision', () => {
    const a100 = { name: 'NVIDIA A100-SXM4-80GB', memoryBytes: 80 * gib };
    expect(peakOf(a100, 'bf16', false)).toBe(312e12);
    expect(peakOf(a100, 'f32', true)).toBe(156e12);
    expect(peakOf(a100, 'f32', false)).toBe(19.5e12);
  });

  it.each(gpus.map((g) => [g.name, g] as const))('are of one kind with the others: %s', (name, gpu) => {
    // GeForce: twice the rate of float32, where sums are float32; professional cards: four times; GA100 and GH100: more.
    const times = gpu.f16Tflops / gpu.f32Tflops;
    const expected = /GeForce/.test(name) ? 2 : /A100/.test(name) ? 16 : /H[12]00/.test(name) ? 14.8 : 4;
    expect(Math.abs(times / expected - 1)).toBeLessThan(0.015);
    expect(dataSheetOf({ name, memoryBytes: gpu.memoryMiB * 2 ** 20 })).toBe(gpu);
  });
});

describe('the peak of a kind of call', () => {
  const gpu = findGpu('a100-80gb');

  it('is that of tensor cores where matrices are multiplied, and of nothing else', () => {
    for (const kind of ['linear', 'attentionBackward', 'cachedAttention', 'packedAttention', 'head']) {
      expect(peakOfKind(kind, 'bf16', gpu), kind).toBe(312e12);
      expect(peakOfKind(kind, 'f32', gpu), kind).toBe(19.5e12);
      expect(peakOfKind(kind, 'f32', gpu, true), kind).toBe(156e12);
    }
    for (const kind of ['layerNorm', 'dropout', 'cast', 'adamw', 'embed'])
      for (const tf32 of [false, true]) expect(peakOfKind(kind, 'bf16', gpu, tf32), kind).toBe(19.5e12);
  });

  it('is that of tensor cores for all that does hundreds of operations a byte', () => {
    // Two matrices of 512 × 512 in float32 give at least 512 / 6 operations for each of their bytes; sums and norms a few.
    for (const [kind, call] of largeCalls()) {
      const { flops, bytes } = callCost(call);
      expect([kind, opOf(kind).multipliesMatrices]).toEqual([kind, flops / bytes > 40]);
    }
  });
});

describe('the floor of a step', () => {
  const model = { vocabSize: 1000, contextLength: 256, nLayer: 2, nHead: 4, nEmbd: 256, dropout: 0 };
  const settings = { ...defaultNumbers, recompute: 'none' } as const;
  const { first, update } = new Model(model, 'f16').training({ ...settings, batch: 2, time: 256 });

  it('counts all that its programs compute and move, as often as they are run', () => {
    const ops = floorOf(
      new Map([
        [first, 3],
        [update, 1],
      ]),
      findGpu('rtx-3060-12gb'),
    );
    const sum = (key: 'flops' | 'bytes') => ops.reduce((a, o) => a + o[key], 0);
    const [once, last] = [programCost(first), programCost(update)];
    expect(sum('flops')).toBeCloseTo(3 * once.flops + last.flops, -3);
    expect(sum('bytes')).toBeCloseTo(3 * once.bytes + last.bytes, -3);
  });

  it('is what the slower of arithmetic and memory needs', () => {
    const gpu = findGpu('rtx-3060-12gb');
    const ops = new Map(
      floorOf(
        new Map([
          [first, 1],
          [update, 1],
        ]),
        gpu,
      ).map((o) => [o.kind, o]),
    );
    const adamw = ops.get('adamw')!;
    expect(adamw.bound).toBe('memory');
    expect(adamw.seconds).toBeCloseTo(adamw.bytes / 360e9, 9);
    const attention = ops.get('attentionBackward')!;
    expect(attention.seconds).toBeGreaterThanOrEqual(attention.flops / 25.5e12);
  });
});
