import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { tfjs } from '../../engine/devices.ts';
import { check } from '../../engine/ops/check.ts';
import { type Numbers, run } from '../../engine/ops/oneCall.ts';
import { accumulations, makeCall, table, tableByPrecision } from '../../engine/ops/table.ts';
import { emulated } from '../gpu.ts';
import { hasInterpretedGpu, interpreted } from './interpreter.ts';
import { lack, where } from '../../frame/needs.ts';

/**
 * Ops whose sources say all of their arithmetic: it is the same whoever compiles them. In others nvcc fuses products and
 * sums into one instruction where C++ leaves it the choice (layer norms, dropout), or they take the exponential, logarithm
 * or tangent of CUDA's own library (GELU, attention, cross-entropy).
 */
const sameOnHost = new Set([
  ...['embed', 'embedPacked', 'embedBackward', 'selectRows', 'cast', 'pageIn', 'pageOut'],
  ...['linear', 'linearBackwardInput', 'linearBackwardWeight', 'head'],
  ...['sumLosses', 'squaredSum', 'clipFactor', 'adamw', 'adamw8bit', 'adamw4bit'],
]);

where(describe, [hasInterpretedGpu, lack.interpretedGpu])('kernels as nvcc compiles them, interpreted', () => {
  let reference: Device;
  let ordered: Device[];
  let host: Device;
  beforeAll(async () => {
    reference = await tfjs.open();
    ordered = await Promise.all([interpreted('forward').open(), interpreted('random', 7).open()]);
    host = await emulated('forward').open();
  });

  it('are those of ops that there are', () => {
    expect([...sameOnHost].filter((kind) => !table.some((c) => c.kind === kind))).toEqual([]);
  });

  describe.each(tableByPrecision)('$kind in $precision', (c) => {
    it.each(accumulations(c))(
      'give the reference result, and the same bits in whatever order threads run (accumulate: %s)',
      async (all) => {
        const property = fc.asyncProperty(c.dims, fc.integer(), async (dims: Numbers, seed: number) => {
          const one = await makeCall(c, dims, all, seed, (other) => run(reference, other), c.precision);
          const isSame = sameOnHost.has(c.kind) && !one.present.includes('pre');
          await check(c, one, isSame ? [...ordered, host] : ordered, reference);
        });
        await fc.assert(property, { seed: 21, numRuns: 5 });
      },
    );
  });
});
