import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adamwReach } from '../../../electron/engine/optimizers/adamw.ts';
import {
  defaultNumbers,
  describeOptimizer,
  describeOptimizers,
  familyOf,
  Optimizer,
  optimizerKinds,
  optimizers,
} from '../../../electron/engine/optimizers/index.ts';
import { completed } from '../../../electron/engine/optimizers/optimizer.ts';
import { Parameters } from '../../../electron/engine/models/parameters.ts';
import { parameterTable } from '../../../electron/engine/models/index.ts';
import { Recorder } from '../../../electron/engine/program/recorder.ts';
import type { Buffer } from '../../../electron/engine/program/types.ts';

const parameters = () =>
  new Parameters(parameterTable({ vocabSize: 128, contextLength: 64, nLayer: 1, nHead: 2, nEmbd: 80, dropout: 0 }));

describe('the registry of optimizers', () => {
  it('lists them as flags have them, the default first', () => {
    expect(optimizerKinds).toEqual(['adamw', 'adamw8bit', 'pagedAdamw8bit', 'adamw4bit']);
    expect(describeOptimizer('pagedAdamw8bit')).toBe('AdamW with moments in 8 bits paged to the host');
    expect(describeOptimizers()).toBe('AdamW with moments in float32, 8 bits, 8 bits paged to the host, or 4 bits');
  });

  it('ranks a family by the memory of the device that its states take', () => {
    const bytes = familyOf('adamw4bit').map((kind) => {
      const { tensors } = new Optimizer(kind, parameters());
      const onDevice = tensors.filter(({ buffer }) => buffer.role === 'optimizer');
      return onDevice.reduce(
        (sum, { buffer }) => sum + buffer.shape.reduce((a, b) => a * b, buffer.dtype === 'u8' ? 1 : 4),
        0,
      );
    });
    expect(bytes.length).toBe(optimizers.length);
    expect(bytes).toEqual([...bytes].sort((a, b) => b - a));
    expect(new Set(bytes).size).toBe(bytes.length);
  });

  it.each(optimizerKinds)('has %s update every parameter once', (kind) => {
    const { all } = parameters();
    const r = new Recorder();
    r.beginUpdate();
    const [stats, scalars] = [4, 8].map((n): Buffer => ({ name: `${n}`, shape: [n], dtype: 'f32', role: 'input' }));
    new Optimizer(kind, { all }).record(r, { settings: defaultNumbers, stats: stats!, scalars: scalars! });
    const updated = r.program('update').calls.flatMap(({ args }) => args.p ?? []);
    expect(updated.length).toBe(all.length);
    expect(new Set(updated)).toEqual(new Set(all.map((p) => p.value)));
  });
});

describe('moments that another optimizer takes over', () => {
  it('stay as they are where both were known', () => {
    const [m, v] = [Float32Array.of(0.5, -2, 0), Float32Array.of(1, 3, 0)];
    expect(completed({ m, v }, 3)).toEqual({ m, v });
  });

  it('are the square of the momentum where no second moment is left, and 0 where there is no momentum', () => {
    expect([...completed({ m: Float32Array.of(-3, 0.5), v: Float32Array.of(0, 1) }, 2).v]).toEqual([9, 1]);
    expect([...completed({ m: Float32Array.of(-3, 0.5) }, 2).v]).toEqual([9, 0.25]);
    expect(completed({ v: Float32Array.of(4, 4) }, 2)).toEqual({ m: Float32Array.of(0, 0), v: Float32Array.of(4, 4) });
    expect(completed({}, 1)).toEqual({ m: Float32Array.of(0), v: Float32Array.of(0) });
  });

  it('never make a step of AdamW longer than its reach, whatever the gradients that follow a momentum of Lion', () => {
    const { beta1, beta2 } = defaultNumbers;
    const gradient = fc.double({ min: -8, max: 8, noNaN: true }).map((x) => Math.sign(x) * 10 ** (Math.abs(x) - 8));
    fc.assert(
      fc.property(
        fc.array(gradient, { minLength: 1, maxLength: 60 }),
        fc.array(gradient, { maxLength: 60 }),
        (before, after) => {
          // Lion's, in double precision here as below.
          const momentum = before.reduce((m, g) => 0.99 * m + 0.01 * g, 0);
          const start = completed({ m: Float32Array.of(momentum) }, 1);
          let [m, v] = [start.m[0]!, start.m[0]! ** 2];
          expect(start.v[0]).toBe(Math.fround(v));
          for (const g of after) {
            m = beta1 * m + (1 - beta1) * g;
            v = beta2 * v + (1 - beta2) * g * g;
            expect(Math.abs(m)).toBeLessThanOrEqual(adamwReach(defaultNumbers) * Math.sqrt(v) * (1 + 1e-9) + 1e-150);
          }
        },
      ),
      { numRuns: 500, seed: 11 },
    );
  });
});
