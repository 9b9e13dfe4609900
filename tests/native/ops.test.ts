import fc from 'fast-check';
import { beforeAll, describe, it } from 'vitest';
import type { Device } from '../../electron/engine/devices/device.ts';
import { tfjs } from '../engine/devices.ts';
import { check } from '../engine/ops/check.ts';
import { type Numbers, run } from '../engine/ops/oneCall.ts';
import { accumulations, makeCall, tableByPrecision } from '../engine/ops/table.ts';
import { emulated, hasEmulator, orders } from './gpu.ts';
import { lack, where } from '../frame/needs.ts';

where(describe, [hasEmulator, lack.emulator])('kernels on an emulated GPU', () => {
  let reference: Device;
  let devices: Device[];
  beforeAll(async () => {
    reference = await tfjs.open();
    devices = await Promise.all(orders.map((order) => emulated(order, 7).open()));
  });

  describe.each(tableByPrecision)('$kind in $precision', (c) => {
    it.each(accumulations(c))(
      'gives the reference result, and the same bits in whatever order threads run (accumulate: %s)',
      async (all) => {
        // In order, and in one other order each time.
        const [first, ...others] = devices;
        let runs = 0;
        const property = fc.asyncProperty(c.dims, fc.integer(), async (dims: Numbers, seed: number) => {
          const one = await makeCall(c, dims, all, seed, (other) => run(reference, other), c.precision);
          await check(c, one, [first!, others[runs++ % others.length]!], reference);
        });
        await fc.assert(property, { seed: 20, numRuns: c.precision === 'f32' ? 5 : 3 });
      },
    );
  });
});
