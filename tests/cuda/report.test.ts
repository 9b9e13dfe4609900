import { describe, expect, it } from 'vitest';
import { floorOf } from '../../electron/engine/bench/floor.ts';
import { dataSheetOf, peakOf } from '../../electron/engine/devices/cuda/peak.ts';
import { findGpu } from '../../electron/engine/fit/gpus.ts';
import { Gpt2 } from '../../electron/engine/gpt2/programs.ts';
import { programCost } from '../../electron/engine/program/cost.ts';

const gib = 2 ** 30;

describe('data sheets', () => {
  it.each([
    ['NVIDIA GeForce RTX 3060', 12 * gib, 'rtx-3060-12gb'],
    ['NVIDIA RTX A5000', 24 * gib, 'rtx-a5000'],
    ['NVIDIA A100-SXM4-80GB', 80 * gib, 'a100-80gb'],
    ['NVIDIA A100-SXM4-40GB', 40 * gib, 'a100-40gb'],
    ['NVIDIA H100 80GB HBM3', 80 * gib, 'h100-80gb'],
    ['NVIDIA GeForce RTX 4060 Ti', 16 * gib, 'rtx-4060-ti-16gb'],
  ])('are found by what a driver calls a GPU: %s', (name, memoryBytes, id) => {
    expect(dataSheetOf({ name, memoryBytes })?.id).toBe(id);
  });

  it.each(['NVIDIA GeForce RTX 3060 Ti', 'NVIDIA GeForce RTX 3060 Laptop GPU', 'NVIDIA H100 PCIe', 'emulated GPU'])(
    'are not taken of another model: %s',
    (name) => {
      expect(dataSheetOf({ name, memoryBytes: 12 * gib })).toBeUndefined();
      expect(peakOf({ name, memoryBytes: 12 * gib }, 'f16', false)).toBeNaN();
    },
  );

  it('tell the peak of a precision', () => {
    const a100 = { name: 'NVIDIA A100-SXM4-80GB', memoryBytes: 80 * gib };
    expect(peakOf(a100, 'bf16', false)).toBe(312e12);
    expect(peakOf(a100, 'f32', true)).toBe(156e12);
    expect(peakOf(a100, 'f32', false)).toBe(19.5e12);
  });
});

describe('the floor of a step', () => {
  const model = { vocabSize: 1000, contextLength: 256, nLayer: 2, nHead: 4, nEmbd: 256, dropout: 0 };
  const settings = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, gradClip: 1, recompute: 'none' } as const;
  const { first, update } = new Gpt2(model, 'f16').training({ ...settings, batch: 2, time: 256 });

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
