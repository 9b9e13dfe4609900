import { describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { cpu, hasCpu } from '../devices.ts';
import { type OneCall, run } from './oneCall.ts';

const dims = { batch: 1, time: 3, width: 4, paddedVocab: 64, context: 5, rows: 3, heads: 1, headDim: 4 };
const none = { attrs: {}, present: [], accumulate: [] };

describe.skipIf(!hasCpu)('indices that lie outside are refused before anything is read or written', () => {
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
