import { describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { cpu, hasCpu } from '../devices.ts';
import { type OneCall, run } from './oneCall.ts';
import { emulated, hasEmulator } from '../../native/gpu.ts';
import { hasInterpretedGpu, interpreted } from '../../native/ptx/interpreter.ts';
import { Random } from '../random.ts';
import { lack, where } from '../../frame/needs.ts';

const dims = { batch: 1, time: 3, width: 4, paddedVocab: 64, context: 5, rows: 3, heads: 1, headDim: 4 };
const none = { attrs: {}, present: [], accumulate: [] };

const small = { batch: 1, time: 16, rows: 16, heads: 1, headDim: 8, width: 8, context: 20 };
const random = new Random(3);
/** That float16 has, too. */
const numbers = (count: number) => Float32Array.from(random.normals(count), (x) => Math.round(8 * x) / 8);

const gpus = [...(hasEmulator ? [emulated('random')] : []), ...(hasInterpretedGpu ? [interpreted('random')] : [])];

where(describe, [hasEmulator, lack.emulator]).each([small.time, 1])(
  'a GPU tells of indices that lie outside, of %i tokens',
  (time) => {
    const packed = (spans: number[]): OneCall => ({
      ...none,
      kind: 'packedAttention',
      precision: 'f16',
      dims: { rows: time, width: 8, kvWidth: 8 },
      attrs: { heads: 1 },
      values: { qkv: numbers(time * 24), spans: Int32Array.from({ length: 3 * time }, (_, i) => spans[i] ?? 0) },
    });
    const cached = (position: number): OneCall => ({
      ...none,
      kind: 'cachedAttention',
      precision: 'f16',
      dims: { batch: 1, time, heads: 1, kvHeads: 1, headDim: 8, context: 20 },
      values: {
        qkv: numbers(time * 24),
        position: Int32Array.of(position),
        kCache: new Float32Array(160),
        vCache: new Float32Array(160),
      },
    });
    const loss = (target: number): OneCall => ({
      ...none,
      kind: 'headCrossEntropy',
      precision: 'f16',
      dims: { rows: time, width: 8, paddedVocab: 64 },
      attrs: { vocab: 60 },
      values: { x: numbers(time * 8), wte: numbers(512), targets: new Int32Array(time).fill(target) },
    });
    const token = (id: number): OneCall => ({
      ...none,
      kind: 'embed',
      precision: 'f16',
      dims: { batch: 1, time, width: 8, paddedVocab: 64, context: 20 },
      values: {
        tokens: new Int32Array(time).fill(id),
        position: Int32Array.of(0),
        wte: numbers(512),
        wpe: numbers(160),
      },
    });

    it.each([
      ['a span', packed([0, 0, 0]), packed([0, 0, 5]), /span is out of range/],
      ['a span below', packed([0, 0, 0]), packed([-1, 0, 0]), /span is out of range/],
      ['a position', cached(20 - time), cached(21 - time), /position is out of range/],
      ['a target', loss(59), loss(60), /target is out of range/],
      ['a token', token(63), token(64), /token is out of range/],
    ])('%s, once, and goes on', async (_, good, bad, message) => {
      for (const { open } of gpus) {
        const device = await open();
        await run(device, good);
        await expect(run(device, bad)).rejects.toThrow(message);
        await run(device, good);
      }
    });
  },
);

where(describe, [hasCpu, lack.cpu])('indices that lie outside are refused before anything is read or written', () => {
  const embed = (tokens: number[], position: number): OneCall => ({
    ...none,
    kind: 'embed',
    dims,
    values: {
      tokens: Int32Array.from(tokens),
      position: Int32Array.of(position),
      wte: new Float32Array(256),
      wpe: new Float32Array(20),
    },
  });
  const loss = (targets: number[]): OneCall => ({
    ...none,
    kind: 'headCrossEntropy',
    dims,
    attrs: { vocab: 60 },
    values: { x: new Float32Array(12), wte: new Float32Array(256), targets: Int32Array.from(targets) },
  });
  const refused = async (device: Device, one: OneCall, message: RegExp) =>
    expect(run(device, one)).rejects.toThrow(message);

  it('tokens, positions and targets', async () => {
    const device = await cpu(2).open();
    await run(device, embed([0, 1, 63], 2));
    await refused(device, embed([0, 64, 1], 0), /token 64 is not below 64/);
    await refused(device, embed([0, -1, 1], 0), /token -1/);
    await refused(device, embed([0, 1, 2], 3), /position.*context of 5/);
    await refused(device, embed([0, 1, 2], -1), /position/);
    await run(device, loss([0, -1, 59]));
    await refused(device, loss([0, 60, 1]), /target 60 is not below 60/);
  });
});
