import { beforeAll, describe, expect, it } from 'vitest';
import type { Device, Session } from '../../../electron/engine/devices/device.ts';
import type { Buffer, Program } from '../../../electron/engine/program/types.ts';
import { difference } from '../compare.ts';
import { tfjs } from '../devices.ts';
import { check } from './check.ts';
import { type Numbers, run } from './oneCall.ts';
import { makeCall, table } from './table.ts';

/** The reference with a defect: `spoil` changes what is in memory after each run. */
function broken(device: Device, spoil: (session: Session, b: (name: string) => Buffer) => void): Device {
  return {
    ...device,
    async load(programs, plan) {
      const session = await device.load(programs, plan);
      const find = (name: string) => [...plan.placements.keys()].find((b) => b.name === name)!;
      return {
        queues: session.queues,
        write: (b, data) => session.write(b, data),
        read: (b, target) => session.read(b, target),
        fetch: (buffers) => session.fetch(buffers),
        allocatedBytes: () => session.allocatedBytes(),
        close: () => session.close(),
        async run(program: Program) {
          await session.run(program);
          spoil(session, find);
        },
      };
    },
  };
}

const changed = (session: Session, b: Buffer, change: (values: Float32Array | Int32Array) => void) => {
  const values = session.read(b) as Float32Array | Int32Array;
  change(values);
  session.write(b, values);
};

describe('the op tests', () => {
  let reference: Device;
  beforeAll(async () => {
    reference = await tfjs.open();
  });

  const dims: Record<string, Numbers> = {
    linearBackwardWeight: { rows: 17, in: 65, out: 33 },
    layerNorm: { rows: 65, width: 63 },
    embedBackward: { batch: 2, time: 7, width: 33, paddedVocab: 64, context: 9 },
  };
  const checkOn = async (kind: string, device: Device, accumulate = false) => {
    const c = table.find((row) => row.kind === kind)!;
    const one = await makeCall(c, dims[kind]!, accumulate, 5, (other) => run(reference, other));
    await check(c, one, [device], reference);
  };

  it('pass a device without a defect', async () => {
    for (const kind of Object.keys(dims)) {
      await checkOn(
        kind,
        broken(reference, () => {}),
      );
      await checkOn(
        kind,
        broken(reference, () => {}),
        true,
      );
    }
  });

  it.each<[string, string, (s: Session, b: (name: string) => Buffer) => void]>([
    ['one NaN', 'layerNorm', (s, b) => changed(s, b('y'), (v) => v.fill(Number.NaN, 70, 71))],
    ['one infinity', 'layerNorm', (s, b) => changed(s, b('y'), (v) => v.fill(Number.POSITIVE_INFINITY, 70, 71))],
    ['one wrong row', 'layerNorm', (s, b) => changed(s, b('y'), (v) => v.fill(0, 64 * 63))],
    ['one element a thousandth off', 'layerNorm', (s, b) => changed(s, b('y'), (v) => (v[9]! += 1e-3))],
    [
      'a tail that is never written',
      'linearBackwardWeight',
      (s, b) => changed(s, b('dw'), (v) => v.fill(Number.NaN, 65 * 33 - 1)),
    ],
    [
      'a row of the embedding that is not zeroed',
      'embedBackward',
      (s, b) => changed(s, b('dwte'), (v) => v.fill(1, 63 * 33)),
    ],
    ['a write behind a result', 'layerNorm', (s, b) => changed(s, b('guard 4'), (v) => v.fill(0, 0, 1))],
    ['a write in front of a result', 'layerNorm', (s, b) => changed(s, b('guard 3'), (v) => v.fill(0, v.length - 1))],
    ['a changed input', 'layerNorm', (s, b) => changed(s, b('x'), (v) => v.fill(0, 0, 1))],
  ])('catch %s', async (_what, kind, spoil) => {
    await expect(checkOn(kind, broken(reference, spoil))).rejects.toThrow();
  });

  it('catch a device that overwrites where it must add', async () => {
    const overwriting: Device = {
      ...reference,
      load(programs, plan) {
        const forgetful = programs.map((p) => ({
          ...p,
          calls: p.calls.map((c) => ({ ...c, accumulate: new Set<string>() })),
        }));
        return reference.load(forgetful, plan).then((session) => ({
          queues: session.queues,
          write: (b, data) => session.write(b, data),
          read: (b, target) => session.read(b, target),
          fetch: (buffers) => session.fetch(buffers),
          allocatedBytes: () => session.allocatedBytes(),
          close: () => session.close(),
          run: () => session.run(forgetful[0]!),
        }));
      },
    };
    await expect(checkOn('linearBackwardWeight', overwriting, true)).rejects.toThrow();
  });

  it('compare without being fooled by NaN', () => {
    expect(difference([1, Number.NaN], [1, 2]).largest).toBe(Number.POSITIVE_INFINITY);
    expect(difference([1, 2], [1, Number.NaN]).largest).toBe(Number.POSITIVE_INFINITY);
    expect(difference([1, Number.NaN], [1, Number.NaN]).largest).toBe(Number.POSITIVE_INFINITY);
    expect(difference([1, Number.POSITIVE_INFINITY], [1, 2]).largest).toBe(Number.POSITIVE_INFINITY);
    expect(difference([1, 2], [1, 2])).toEqual({ largest: 0, meanSquare: 0, index: 0 });
    expect(difference([0, 2.5], [0, 2]).largest).toBe(0.25);
  });
});
