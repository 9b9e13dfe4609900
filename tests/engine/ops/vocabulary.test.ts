import { beforeAll, describe, expect, it } from 'vitest';
import { opOf } from '../../../electron/engine/program/declare.ts';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { emulated, hasEmulator } from '../../native/gpu.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import type { Random } from '../random.ts';
import { check } from './check.ts';
import { type Numbers, programOf, run } from './oneCall.ts';
import { makeCall, table } from './table.ts';

const paddedVocab = 70_080;
/** What 16 bits don't hold, but for a few. */
const ids = (n: number, d: Numbers, a: Numbers, random: Random) =>
  random.integers(n, 65_530, (a.vocab ?? d.paddedVocab!) - 1);

const cases: readonly (readonly [kind: string, Numbers])[] = [
  ['embed', { batch: 2, time: 5, width: 4, paddedVocab, context: 6 }],
  ['embedBackward', { batch: 2, time: 5, width: 4, paddedVocab, context: 6 }],
  ['embedTokens', { rows: 7, width: 4, paddedVocab }],
  ['embedTokensBackward', { rows: 7, width: 4, paddedVocab }],
  ['head', { rows: 2, width: 4, paddedVocab, vocab: 70_020 }],
  ['headCrossEntropy', { rows: 3, width: 4, paddedVocab }],
  ['headCrossEntropyGrad', { rows: 3, width: 4, paddedVocab }],
];

const none = { attrs: {}, present: [], accumulate: [] };

/** Sums over all of the vocabulary, three times: what is played takes too long for it. */
const isSlow = (kind: string): boolean => kind === 'headCrossEntropyGrad';

describe('a vocabulary beyond 65,536', () => {
  let reference: Device;
  let processor: Device | undefined;
  let gpu: Device | undefined;
  beforeAll(async () => {
    reference = await tfjs.open();
    if (hasCpu) processor = await cpu(2).open();
    if (hasEmulator) gpu = await emulated('forward').open();
  });

  it.each(cases)('%s gives the reference result', async (kind, dims) => {
    const c = table.find((one) => one.kind === kind)!;
    const values = { ...c.values, ...(c.values?.targets ? { targets: ids } : { tokens: ids }) };
    const one = await makeCall({ ...c, values }, dims, false, 1, (other) => run(reference, other));
    // Each sums in an order of its own.
    for (const device of isSlow(kind) ? [processor] : [processor, gpu])
      if (device) await check(c, one, [device], reference);
  });

  it('is refused by name where a GPU can not launch so many tiles', () => {
    const limit = (paddedVocab: number) => {
      const dims = { rows: 1, width: 4, paddedVocab, vocab: paddedVocab };
      return opOf('head').limits?.gpu?.(programOf({ ...none, kind: 'head', dims }).calls[0]!);
    };
    expect(limit(262_144)).toBeUndefined();
    expect(limit(4_194_240)).toBeUndefined();
    expect(limit(4_194_304)).toBe('the vocabulary has 4194304 rows, and 4194240 is the most');
  });
});
