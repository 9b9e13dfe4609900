import { describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { fromHalves, isHalf } from '../../../electron/base/halves.ts';
import { opOf } from '../../../electron/engine/program/declare.ts';
import { Recorder } from '../../../electron/engine/program/recorder.ts';
import type { Buffer, Precision } from '../../../electron/engine/program/types.ts';
import { isUpToDate } from '../../../native/compile.ts';
import { ptxTarget } from '../build.ts';
import { findNvcc } from '../../../native/toolchain.ts';
import { expectClose, sameBits } from '../../engine/compare.ts';
import { tfjs } from '../../engine/devices.ts';
import { expectResults } from '../../engine/ops/check.ts';
import { guardedPlan, type Numbers, programOf, run } from '../../engine/ops/oneCall.ts';
import { makeCall, table } from '../../engine/ops/table.ts';
import { hasInterpretedGpu, unusedKernels } from './interpreter.ts';
import { createPlayedGpu, interpretedAddonPath } from '../gpu.ts';
import { lack, linux, where } from '../../frame/needs.ts';

interface Case {
  readonly kind: string;
  readonly dims: Numbers;
  readonly attrs?: Numbers;
  readonly precisions?: readonly Precision[];
  /** Multiplied by tensor cores where float32 is, too. */
  readonly tf32?: boolean;
  /** Which of the optional arguments there are, and what is added to, differs from one to the next. */
  readonly seeds?: number;
}

const halves = ['bf16', 'f16'] as const;
const all = ['f32', ...halves] as const;
const drops = { dropout: 0.1, stream: 3 };
const keeps = { dropout: 0, stream: 0 };

/** Whole tiles of 128 × 128, those of 64 × 64, tiles that are cut off, and rows that can't be read 16 bytes at a time. */
const matrices: Numbers[] = [
  { rows: 256, in: 256, out: 256 },
  { rows: 256, in: 160, out: 256 },
  { rows: 64, in: 64, out: 64 },
  { rows: 200, in: 136, out: 264 },
  { rows: 70, in: 72, out: 40 },
  { rows: 65, in: 33, out: 67 },
  // Results whose rows can't be written 16 bytes at a time, of factors that can be read so.
  { rows: 130, in: 131, out: 8 },
  { rows: 70, in: 67, out: 104 },
];
/** Every width of head for which there is a kernel, whole and cut off, with rows that can be read 16 bytes at a time and not. */
const headDims = [8, 20, 32, 36, 64, 72, 100, 128];

const cases: Case[] = [
  ...['linear', 'linearGeluTanh', 'linearBackwardInput', 'linearBackwardInputGeluTanh', 'linearBackwardWeight'].flatMap(
    (kind) =>
      matrices.flatMap((dims) => [
        { kind, dims, seeds: 3 },
        { kind, dims, precisions: ['f32'] as const, tf32: true, seeds: 2 },
      ]),
  ),
  ...headDims.flatMap((headDim) =>
    [drops, keeps].flatMap((attrs) => [
      { kind: 'attention', dims: { batch: 1, heads: 2, kvHeads: 2, time: 70, headDim }, attrs },
      { kind: 'attentionBackward', dims: { batch: 1, heads: 2, kvHeads: 2, time: 70, headDim }, attrs },
    ]),
  ),
  ...headDims.flatMap((headDim) =>
    [3, 33].flatMap((rows) => [
      { kind: 'cachedAttention', dims: { batch: 2, heads: 2, kvHeads: 2, time: rows, headDim, context: rows + 40 } },
      { kind: 'packedAttention', dims: { rows, width: headDim * 2, kvWidth: headDim * 2 }, attrs: { heads: 2 } },
    ]),
  ),
  ...[13, 248, 512, 1024, 1040, 2056, 4096, 4104].flatMap((width) => [
    { kind: 'layerNorm', dims: { rows: 3, width } },
    { kind: 'layerNormBackward', dims: { rows: 3, width } },
  ]),
  ...[
    { rows: 70, width: 64, paddedVocab: 128 },
    { rows: 257, width: 136, paddedVocab: 256 },
    { rows: 9, width: 13, paddedVocab: 64 },
  ].flatMap((dims) => [
    { kind: 'headCrossEntropyGrad', dims, attrs: { vocab: dims.paddedVocab - 3 } },
    {
      kind: 'headCrossEntropyGrad',
      dims,
      attrs: { vocab: dims.paddedVocab - 3 },
      precisions: ['f32'] as const,
      tf32: true,
    },
  ]),
  {
    kind: 'headCrossEntropyGrad',
    dims: { rows: 128, width: 128, paddedVocab: 4160 },
    attrs: { vocab: 4160 },
    precisions: halves,
  },
  ...[200, 7].flatMap((rows) => [
    { kind: 'embed', dims: { batch: 2, time: rows, width: 40, paddedVocab: 64, context: 256 } },
    { kind: 'embedBackward', dims: { batch: 2, time: rows, width: 40, paddedVocab: 64, context: 256 } },
    { kind: 'selectRows', dims: { sourceRows: 20, rows, width: 33 } },
    { kind: 'dropout', dims: { rows, width: 33 }, attrs: drops },
  ]),
  ...[200, 7].flatMap((rows) => [
    { kind: 'embedTokens', dims: { rows, width: 40, paddedVocab: 64 } },
    { kind: 'embedTokensBackward', dims: { rows, width: 40, paddedVocab: 64 } },
    { kind: 'geluTanh', dims: { rows, width: 33 } },
    { kind: 'geluTanhBackward', dims: { rows, width: 33 } },
  ]),
  ...[1, 70].map((count) => ({
    kind: 'rotaryTable',
    dims: { time: 70, headDim: 40, count },
    attrs: { base: 10_000 },
    precisions: ['f32'] as const,
  })),
  ...[0, 1].map((inverse) => ({
    kind: 'rotary',
    dims: { batch: 2, time: 35, heads: 3, headDim: 40, width: 125 },
    attrs: { heads: 3, inverse },
  })),
  { kind: 'cast', dims: { elements: 3000 } },
  { kind: 'squaredSum', dims: { elements: 150_000, tensors: 2 }, attrs: { index: 1 }, precisions: ['f32'] },
  { kind: 'sumLosses', dims: { rows: 1000 }, precisions: ['f32'] },
  { kind: 'clipFactor', dims: { tensors: 9 }, attrs: { maxNorm: 1 }, precisions: ['f32'] },
  { kind: 'adamw', dims: { elements: 3000 }, precisions: ['f32'] },
  { kind: 'adamw8bit', dims: { elements: 3000, blocks: 12 }, precisions: ['f32'] },
  {
    kind: 'adamw4bit',
    dims: { elements: 3000, bytes: 1500, blocks: 24, rows: 100, scales: 130 },
    precisions: ['f32'],
  },
];

/** Runs a case in a precision on one of two GPUs, of which the second rounds the factors of products of float32. */
async function expectReference(c: Case, precision: Precision, devices: readonly Device[], reference: Device) {
  const found = table.find(({ kind }) => kind === c.kind)!;
  const op = c.attrs ? { ...found, attrs: () => c.attrs! } : found;
  for (let seed = 0; seed < (c.seeds ?? 1); seed++) {
    const one = await makeCall(op, c.dims, seed % 2 === 1, seed, (other) => run(reference, other), precision);
    const actual = await run(devices[c.tf32 ? 1 : 0]!, one);
    const expected = await run(reference, one);
    if (!c.tf32) {
      expectResults(op, one, actual, expected);
      continue;
    }
    // Both factors are rounded to 10 bits of fraction.
    const size = op.size?.(c.dims, one.attrs) ?? Math.sqrt(op.terms(c.dims, one.attrs));
    for (const [name, values] of Object.entries(expected))
      expectClose(actual[name] as Float32Array, values as Float32Array, 2 ** -9, `${c.kind} ${name}`, size);
  }
}

/** Of calls that are started together: two of the same give what one by itself gives. */
async function expectTwice(kind: string, precision: Precision, device: Device, reference: Device) {
  const c = cases.find((other) => other.kind === kind)!;
  const op = table.find((other) => other.kind === kind)!;
  const one = await makeCall(
    c.attrs ? { ...op, attrs: () => c.attrs! } : op,
    c.dims,
    false,
    1,
    (o) => run(reference, o),
    precision,
  );
  const alone = await run(device, one);
  const recorder = new Recorder();
  const calls = [0, 1].map(() => programOf(one).calls[0]!.args as Record<string, Buffer>);
  for (const { workspace: _, ...args } of calls) recorder.emit(opOf(kind), args, { ...one.attrs }, [...one.accumulate]);
  const program = recorder.program(kind);
  const buffers = program.calls.flatMap(({ args }) => Object.values(args).filter((b) => b !== undefined));
  const { plan } = guardedPlan([...new Set(buffers)]);
  const session = await device.load([program], plan);
  for (const args of calls) for (const [name, values] of Object.entries(one.values)) session.write(args[name]!, values);
  await session.run(program);
  for (const args of calls) {
    for (const [name, expected] of Object.entries(alone)) {
      const { dtype } = args[name]!;
      const held = session.read(args[name]!);
      const actual = isHalf(dtype) ? fromHalves(held as Uint16Array, dtype) : held;
      expect(sameBits(actual, expected), `${kind} ${name}`).toBe(true);
    }
  }
  session.close();
}

where(describe, [hasInterpretedGpu, lack.interpretedGpu])('kernels as nvcc compiles them', () => {
  it('give the reference result, every one of them, for whole tiles and those that are cut off', async () => {
    const reference = await tfjs.open();
    const devices = [false, true].map((tf32) =>
      createPlayedGpu({ addon: interpretedAddonPath, order: 'reverse', tf32 }),
    );
    for (const c of cases)
      for (const precision of c.precisions ?? all) await expectReference(c, precision, devices, reference);
    for (const kind of ['squaredSum', 'adamw', 'adamw8bit']) await expectTwice(kind, 'f32', devices[0]!, reference);
    for (const precision of all) await expectTwice('cast', precision, devices[0]!, reference);
    expect(unusedKernels()).toEqual([]);
  }, 240_000);
});

where(
  describe,
  [findNvcc() !== undefined, lack.nvcc],
  linux,
)('the addon that interprets them', () => {
  it('is compiled from what is here', () => {
    // `npm run build:emulated` mends this, or says why not.
    expect(isUpToDate(ptxTarget)).toBe(true);
  });
});
