import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCpuDevice } from '../../../electron/engine/devices/cpu/device.ts';
import { hasCpu, tfjs } from '../devices.ts';
import { check } from './check.ts';
import { type Numbers, type OneCall, run } from './oneCall.ts';
import { accumulations, makeCall, tableByPrecision } from './table.ts';
import { lack, where } from '../../frame/needs.ts';

/** A device with the kernels for one instruction set, or undefined where the processor lacks it. */
function open(isa: string, threads: number) {
  try {
    return createCpuDevice({ isa, threads });
  } catch {
    return undefined;
  }
}

const sizes: Record<string, Numbers> = {
  adamw: { elements: 1003 },
  adamw4bit: { elements: 33 * 31, bytes: 512, blocks: 8, rows: 33, scales: 64 },
  adamw8bit: { elements: 1003, blocks: 4 },
  attention: { batch: 2, heads: 4, kvHeads: 2, time: 65, headDim: 17 },
  attentionBackward: { batch: 2, heads: 4, kvHeads: 2, time: 65, headDim: 17 },
  cachedAttention: { batch: 2, heads: 4, kvHeads: 2, time: 3, headDim: 17, context: 33 },
  cast: { elements: 1003 },
  clipFactor: { tensors: 17 },
  dropout: { rows: 7, width: 33 },
  embed: { batch: 2, time: 7, width: 33, paddedVocab: 64, context: 9 },
  embedPacked: { rows: 33, width: 33, paddedVocab: 64, context: 9 },
  embedBackward: { batch: 2, time: 7, width: 33, paddedVocab: 64, context: 9 },
  embedTokens: { rows: 14, width: 33, paddedVocab: 64 },
  embedTokensBackward: { rows: 14, width: 33, paddedVocab: 64 },
  geluTanh: { rows: 7, width: 33 },
  geluTanhBackward: { rows: 7, width: 33 },
  head: { rows: 7, width: 33, paddedVocab: 64, vocab: 61 },
  headCrossEntropy: { rows: 17, width: 33, paddedVocab: 64 },
  headCrossEntropyGrad: { rows: 17, width: 33, paddedVocab: 64 },
  layerNorm: { rows: 33, width: 65 },
  layerNormBackward: { rows: 33, width: 65 },
  linear: { rows: 33, in: 65, out: 31 },
  linearBackwardInput: { rows: 33, in: 65, out: 31 },
  linearBackwardInputGeluTanh: { rows: 33, in: 65, out: 31 },
  linearBackwardWeight: { rows: 33, in: 65, out: 31 },
  linearGeluTanh: { rows: 33, in: 65, out: 31 },
  packedAttention: { rows: 65, heads: 4, width: 68, kvWidth: 34 },
  pageIn: { elements: 1003, blocks: 4 },
  pageOut: { elements: 1003, blocks: 4 },
  rotary: { batch: 2, time: 7, heads: 3, headDim: 10, width: 33 },
  rotaryTable: { count: 1, time: 33, headDim: 34 },
  selectRows: { sourceRows: 17, rows: 33, width: 33 },
  squaredSum: { elements: 1003, tensors: 3 },
  sumLosses: { rows: 1003 },
};

where(describe, [hasCpu, lack.cpu]).each(['portable', 'avx2', 'avx512', 'avx512bf16', 'neon'])('%s kernels', (isa) => {
  const devices = hasCpu ? [open(isa, 1), open(isa, 2)].filter((d) => d !== undefined) : [];

  where(describe, [devices.length > 0, `a processor with ${isa}`]).each(tableByPrecision)(
    '$kind in $precision',
    (c) => {
      it.each(accumulations(c))('gives the reference result (accumulate: %s)', async (accumulate) => {
        const reference = await tfjs.open();
        const other = (call: OneCall) => run(reference, call);
        const one = await makeCall(c, sizes[c.kind]!, accumulate, 11, other, c.precision);
        await check(c, one, devices, reference);
      });
    },
  );
});

where(describe, [hasCpu, lack.cpu])('TRAINYARD_ISA', () => {
  const device = path.resolve(import.meta.dirname, '../../../electron/engine/devices/cpu/device.ts');
  const isaWith = (value: string) => {
    const script = `const { createCpuDevice } = await import(${JSON.stringify(device)}); console.log(createCpuDevice({ threads: 1 }).isa);`;
    const env = { ...process.env, TRAINYARD_ISA: value };
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      env,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  };

  it('chooses the kernels', () => expect(isaWith('portable')).toBe('portable'));
  it('is refused when nobody knows it', () => expect(() => isaWith('mmx')).toThrow());
});
