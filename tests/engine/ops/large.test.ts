import { beforeAll, describe, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import { check } from './check.ts';
import { type Numbers, run } from './oneCall.ts';
import { makeCall, tableByPrecision } from './table.ts';
import { lack, where } from '../../frame/needs.ts';

const matrix4bit = (rows: number, columns: number): Numbers => {
  const n = rows * columns;
  return { elements: n, bytes: Math.ceil(n / 2), blocks: Math.ceil(n / 128), rows, scales: rows + columns };
};

/** Past the sizes at which kernels cut their work: tiles, blocks of k and of columns, chunks of rows, blocks of queries. */
const large: readonly (readonly [string, Numbers])[] = [
  ['linear', { rows: 1, in: 40, out: 800 }],
  ['linear', { rows: 1100, in: 20, out: 500 }],
  ['linear', { rows: 5, in: 1200, out: 1000 }],
  ['linear', { rows: 50, in: 1200, out: 500 }],
  ['linearBackwardInput', { rows: 1100, in: 500, out: 30 }],
  ['linearBackwardWeight', { rows: 900, in: 1100, out: 40 }],
  ['attention', { batch: 1, heads: 2, kvHeads: 2, time: 400, headDim: 16 }],
  ['attentionBackward', { batch: 1, heads: 2, kvHeads: 2, time: 400, headDim: 16 }],
  ['attention', { batch: 1, heads: 6, kvHeads: 2, time: 300, headDim: 16 }],
  ['attentionBackward', { batch: 1, heads: 6, kvHeads: 2, time: 300, headDim: 16 }],
  ['cachedAttention', { batch: 1, heads: 2, kvHeads: 2, time: 3, headDim: 16, context: 700 }],
  ['headCrossEntropyGrad', { rows: 600, width: 30, paddedVocab: 1024 }],
  ['adamw4bit', matrix4bit(70, 1500)],
  ['layerNormBackward', { rows: 300, width: 700 }],
  ['embedBackward', { batch: 2, time: 30, width: 200, paddedVocab: 64, context: 40 }],
];

where(describe, [hasCpu, lack.cpu])('large sizes on the cpu device', () => {
  let reference: Device;
  let devices: Device[];
  beforeAll(async () => {
    reference = await tfjs.open();
    devices = [await cpu(1).open(), await cpu(3).open()];
  });

  const cases = large.flatMap(([kind, dims]) =>
    tableByPrecision.filter((c) => c.kind === kind).map((c) => [kind, c.precision, dims, c] as const),
  );
  it.each(cases)('%s in %s of %j gives the reference result', async (_, precision, dims, c) => {
    const one = await makeCall(c, dims, false, 1, (other) => run(reference, other), precision);
    await check(c, one, devices, reference);
  });
});
