import fs from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { tfjs } from '../engine/devices.ts';
import type { Device } from '../../electron/engine/devices/device.ts';
import { expectClose } from '../engine/compare.ts';
import { expectResults, expectSameBits } from '../engine/ops/check.ts';
import { type Numbers, run } from '../engine/ops/oneCall.ts';
import { grouped, makeCall, table } from '../engine/ops/table.ts';
import { createPlayedGpu, loadPlayingAddon, type Order } from './gpu.ts';
import { lack, where } from '../frame/needs.ts';

/** Heads of keys and values, and how many heads of queries share one. */
const heads = { kvHeads: fc.integer({ min: 1, max: 2 }), share: fc.constantFrom(1, 1, 3) };

const caseOf = (kind: string) => table.find((c) => c.kind === kind)!;

/** Sizes whose rows are aligned to 16 bytes, around and beyond the tiles of 64 and 128. */
const aligned = fc.constantFrom(8, 24, 64, 72, 136);
const any = fc.constantFrom(1, 9, 64, 129, 130);
const matrices = fc.oneof(
  fc.record({ rows: any, in: aligned, out: aligned }),
  fc.constantFrom<Numbers>({ rows: 260, in: 136, out: 200 }, { rows: 8, in: 8, out: 392 }),
);
const attention = fc
  .record({
    batch: fc.integer({ min: 1, max: 2 }),
    ...heads,
    time: fc.constantFrom(1, 15, 64, 65, 130, 193),
    headDim: fc.constantFrom(8, 64, 72, 128),
  })
  .map(grouped);
const head = fc.record({
  rows: fc.constantFrom(1, 70, 257, 513),
  width: fc.constantFrom(8, 64, 136),
  paddedVocab: fc.constant(128),
});

const widths = fc.constantFrom(8, 40, 64, 72, 128);
const cached = (time: fc.Arbitrary<number>) =>
  fc
    .record({
      batch: fc.integer({ min: 1, max: 2 }),
      ...heads,
      time,
      headDim: widths,
      room: fc.constantFrom(0, 1, 70),
    })
    .map(({ room, ...d }) => ({ ...grouped(d), context: d.time + room }));
const packed = (rows: fc.Arbitrary<number>) =>
  fc
    .record({ rows, ...heads, headDim: fc.constantFrom(8, 24, 40, 64) })
    .map(grouped)
    .map(({ headDim, ...d }) => ({ ...d, width: d.heads * headDim, kvWidth: d.kvHeads * headDim }));

/** Rows of one, two and four packs a thread, and those that are taken element by element. */
const norms = fc.record({ rows: fc.constantFrom(1, 3), width: fc.constantFrom(8, 1024, 1032, 2056, 4096, 4104) });

interface Kind {
  readonly dims: fc.Arbitrary<Numbers>;
  readonly kernels: RegExp;
  readonly kind?: string;
}

const kinds: Record<string, Kind> = {
  linear: { dims: matrices, kernels: /^tensorGemm$/ },
  linearGeluTanh: { dims: matrices, kernels: /^tensorGemm$/ },
  linearBackwardInput: { dims: matrices, kernels: /^tensorGemm$/ },
  linearBackwardInputGeluTanh: { dims: matrices, kernels: /^tensorGemm$/ },
  linearBackwardWeight: { dims: matrices, kernels: /^tensorGemm(,columnSums)?$/ },
  attention: { dims: attention, kernels: /^tensorAttention$/ },
  attentionBackward: {
    dims: attention,
    kernels: /^attentionDelta,tensorAttentionBackwardQueries,tensorAttentionBackwardKeys$/,
  },
  'cachedAttention of many tokens': {
    kind: 'cachedAttention',
    dims: cached(fc.constantFrom(16, 64, 65, 130)),
    kernels: /^fillCache,tensorCachedAttention$/,
  },
  'cachedAttention of few tokens': {
    kind: 'cachedAttention',
    dims: cached(fc.constantFrom(1, 3)),
    kernels: /^fillCache,cachedAttention$/,
  },
  'packedAttention of many tokens': {
    kind: 'packedAttention',
    dims: packed(fc.constantFrom(16, 64, 65, 130, 200)),
    kernels: /^tensorPackedAttention$/,
  },
  'packedAttention of few tokens': {
    kind: 'packedAttention',
    dims: packed(fc.constantFrom(1, 9)),
    kernels: /^packedAttention$/,
  },
  layerNorm: { dims: norms, kernels: /^layerNorm$/ },
  layerNormBackward: {
    dims: norms,
    kernels: /^layerNormBackwardChunks,layerNormBackwardSum,layerNormBackwardInput$/,
  },
  headCrossEntropyGrad: { dims: head, kernels: /^(tensorGemm,crossEntropy,tensorGemm,tensorGemm,?)+$/ },
};

/** What differs in the products of factors that are rounded to 10 bits of fraction, each up to half a step. */
const tf32Step = 2 ** -10;

/** Tests of products of matrices and of rows that are read 16 bytes at a time, on what plays a GPU; where it isn't built, they are skipped. */
export const testTensorCores = (name: string, file: string): void => {
  const isThere = fs.existsSync(file);
  where(describe, [isThere, lack.interpretedGpu])(`tensor cores and wide reads of ${name}`, () => {
    const addon = isThere ? loadPlayingAddon(file) : undefined!;
    let reference: Device;
    beforeAll(async () => {
      reference = await tfjs.open();
    });
    const open = (order: Order, tf32 = false) => createPlayedGpu({ addon: file, order, tf32 });

    const cases = (['bf16', 'f16'] as const).flatMap((precision) =>
      Object.entries(kinds).map(([name, expected]) => ({ kind: name, name, precision, ...expected })),
    );
    it.each(cases)('give the reference result of $name in $precision', async ({ kind, precision, dims, kernels }) => {
      const c = caseOf(kind);
      const [device, other] = [open('forward'), open('warpAhead')];
      const property = fc.asyncProperty(dims, fc.integer(), fc.boolean(), async (d, seed, all) => {
        const one = await makeCall(c, d, all, seed, (o) => run(reference, o), precision);
        addon.launched(device.native);
        const actual = await run(device, one);
        expect(addon.launched(device.native).join()).toMatch(kernels);
        expectResults(c, one, actual, await run(reference, one));
        expectSameBits(one, await run(other, one), actual);
      });
      await fc.assert(property, { seed: 3, numRuns: 5 });
    });

    /** Whole tiles of 128 × 128 of all three products, many of them deep: most of what is multiplied. */
    const wholeTiles = { rows: 256, in: 160, out: 256 };
    it.each(['linear', 'linearBackwardInput', 'linearBackwardWeight'])(
      'multiply whole large tiles of %s as the reference does',
      async (kind) => {
        const c = caseOf(kind);
        const [device, other] = [open('forward'), open('random')];
        const one = await makeCall(c, wholeTiles, false, 11, (o) => run(reference, o), 'bf16');
        const actual = await run(device, one);
        expectResults(c, one, actual, await run(reference, one));
        expectSameBits(one, await run(other, one), actual);
      },
    );

    it.each([
      ['bf16', 8300, /tensorGemmParts,sumParts/, { rows: 3, width: 16 }],
      ['f16', 4097, /tensorGemmParts,sumParts/, { rows: 3, width: 16 }],
      // One part is all of them.
      ['f16', 4096, /^tensorGemm,crossEntropy,tensorGemm,tensorGemm$/, { rows: 3, width: 16 }],
      // Several tiles down and across, and parts that the upper halves have no room for.
      ['f16', 4160, /tensorGemmParts,sumParts/, { rows: 130, width: 136 }],
      ['f16', 4097, /^tensorGemm,crossEntropy,tensorGemm,tensorGemm$/, { rows: 2, width: 1048 }],
    ] as const)(
      'sum up the gradient of many logits in parts, in %s of %i',
      async (precision, vocab, kernels, shape) => {
        const c = { ...caseOf('headCrossEntropyGrad'), attrs: () => ({ vocab }) };
        const [device, other] = [open('forward'), open('warpAhead')];
        // Large ones take their time.
        const isLarge = shape.width > 16;
        for (const all of isLarge ? [true] : [false, true]) {
          const dims = { ...shape, paddedVocab: Math.ceil(vocab / 64) * 64 };
          const one = await makeCall(c, dims, all, 7, (o) => run(reference, o), precision);
          addon.launched(device.native);
          const actual = await run(device, one);
          expect(addon.launched(device.native).join()).toMatch(kernels);
          expectResults(c, one, actual, await run(reference, one));
          if (!isLarge) expectSameBits(one, await run(other, one), actual);
        }
      },
    );

    it.each(['linear', 'linearGeluTanh', 'linearBackwardInput', 'linearBackwardWeight'])(
      'multiply float32 rounded to 10 bits of fraction, where that is asked for: %s',
      async (kind) => {
        const c = caseOf(kind);
        const [device, other, exact] = [open('forward', true), open('warpAhead', true), open('forward')];
        const property = fc.asyncProperty(matrices, fc.integer(), async (d, seed) => {
          const one = await makeCall(c, d, false, seed, (o) => run(reference, o));
          addon.launched(device.native);
          const actual = await run(device, one);
          expect(addon.launched(device.native)[0]).toBe('tensorGemm');
          const expected = await run(reference, one);
          const size = Math.sqrt(c.terms(one.dims, one.attrs));
          for (const name of Object.keys(expected))
            expectClose(
              actual[name]! as Float32Array,
              expected[name]! as Float32Array,
              2 * tf32Step,
              `${kind} ${name}`,
              size,
            );
          expectSameBits(one, await run(other, one), actual);
          await run(exact, one);
          expect(addon.launched(exact.native)[0]).toBe('gemm');
        });
        await fc.assert(property, { seed: 4, numRuns: 6 });
      },
    );
  });
};
