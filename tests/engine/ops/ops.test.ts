import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { allOps } from '../../../electron/engine/program/declare.ts';
import type { Precision } from '../../../electron/engine/program/types.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import { check } from './check.ts';
import { type Numbers, run } from './oneCall.ts';
import { accumulations, makeCall, table, tableByPrecision } from './table.ts';

it('has a row for every kind of call', () => {
  expect(table.map((c) => c.kind).sort()).toEqual(allOps().map((op) => op.kind));
});

const targets = [tfjs, ...(hasCpu ? [cpu(1)] : [])];

describe.each(targets)('$name', ({ name, open }) => {
  let reference: Device;
  let devices: Device[];
  beforeAll(async () => {
    reference = await tfjs.open();
    devices = [await open()];
    if (name !== 'tfjs') devices.push(await cpu(2).open(), await cpu(3).open());
  });

  // The reference against itself shows that it writes all of its results, keeps its inputs and never reads padding.
  const runs = (precision: Precision) => (name === 'tfjs' ? 2 : precision === 'f32' ? 10 : 5);
  describe.each(tableByPrecision)('$kind in $precision', (c) => {
    it.each(accumulations(c))(
      'gives the reference result, whatever the number of threads (accumulate: %s)',
      async (all) => {
        const property = fc.asyncProperty(c.dims, fc.integer(), async (dims: Numbers, seed: number) => {
          const one = await makeCall(c, dims, all, seed, (other) => run(reference, other), c.precision);
          await check(c, one, devices, reference);
        });
        await fc.assert(property, { seed: 20, numRuns: runs(c.precision) });
      },
    );
  });
});
