import { describe, expect, it } from 'vitest';
import type { Device } from '../../electron/engine/devices/device.ts';
import { trainBoth } from '../../electron/engine/verify/trainBoth.ts';
import { headDimOf, verifyDevice } from '../../electron/engine/verify/verifyDevice.ts';
import { cpu, hasCpu } from '../engine/devices.ts';
import { allOps } from '../../electron/engine/program/declare.ts';
import { createPlayedGpu, hasEmulator } from './gpu.ts';
import { lack, where } from '../frame/needs.ts';

const model = { vocabSize: 101, contextLength: 40, nLayer: 1, nHead: 2, nEmbd: 64, dropout: 0 };

where(
  describe,
  [hasEmulator, lack.emulator],
  [hasCpu, lack.cpu],
)('verification of a device', () => {
  const emulated = (tf32 = false) => createPlayedGpu({ order: 'random', tf32 });

  it('compares every call of training and use, in every precision, and finds the emulated GPU right', async () => {
    const results = await verifyDevice(emulated(), await cpu(2).open(), { models: [model], batch: 2 }, () => {});
    expect(results.filter((r) => !r.ok)).toEqual([]);
    // GPT-2 has learned positions, and its GELU is fused.
    const others = ['embedTokens', 'embedTokensBackward', 'geluTanh', 'geluTanhBackward', 'rotary', 'rotaryTable'];
    const kinds = allOps().map((o) => o.kind);
    expect([...new Set(results.map((r) => r.call.kind))].sort()).toEqual(kinds.filter((k) => !others.includes(k)));
    expect(new Set(results.map((r) => r.call.precision))).toEqual(new Set(['f32', 'bf16', 'f16']));
  });

  it('allows what rounded factors differ by, where that is asked for', async () => {
    const options = { models: [model], batch: 1, precisions: ['f32'], optimizers: ['adamw'] } as const;
    const results = await verifyDevice(emulated(true), await cpu(2).open(), { ...options, tf32: true }, () => {});
    expect(results.filter((r) => !r.ok)).toEqual([]);
    expect(Math.max(...results.map((r) => r.difference))).toBeGreaterThan(2e-5);
  });

  it('finds a device that is wrong in one op, and blames no other', async () => {
    const right = await cpu(2).open();
    const wrong: Device = {
      ...right,
      async load(programs, plan) {
        const session = await right.load(programs, plan);
        const breaks = programs.some((p) => p.calls.some((c) => c.kind === 'linearGeluTanh'));
        return Object.assign(Object.create(session) as typeof session, {
          write: session.write.bind(session),
          run: session.run.bind(session),
          close: session.close.bind(session),
          read: (...args: Parameters<typeof session.read>) => {
            const value = session.read(...args);
            if (breaks && value.length > 5) value[5] = 100;
            return value;
          },
        });
      },
    };
    const options = { models: [model], batch: 1, precisions: ['f32'], optimizers: ['adamw'] } as const;
    const results = await verifyDevice(wrong, right, options, () => {});
    const failed = new Set(results.filter((r) => !r.ok).map((r) => r.call.kind));
    expect(failed).toEqual(new Set(['linearGeluTanh']));
  });

  it('compares attention in each width of heads that is asked for', async () => {
    const models = [model, { ...model, nHead: 1 }];
    const options = { models, batch: 1, precisions: ['f32'], optimizers: ['adamw'] } as const;
    const results = await verifyDevice(emulated(), await cpu(2).open(), options, () => {});
    expect(results.filter((r) => !r.ok)).toEqual([]);
    const kinds = ['attention', 'attentionBackward', 'cachedAttention', 'packedAttention'];
    for (const width of [32, 64]) {
      const own = results.filter((r) => headDimOf(r.call) === width).map((r) => r.call.kind);
      expect([...new Set(own)].sort(), `${width} wide`).toEqual(kinds);
    }
  });

  it.each([
    ['f32', 'adamw'],
    ['f16', 'adamw8bit'],
    ['bf16', 'adamw4bit'],
    ['f32', 'pagedAdamw8bit'],
  ] as const)('trains both devices alike in %s with %s', async (precision, optimizer) => {
    const options = { model: { ...model, contextLength: 16 }, batch: 1, steps: 2 };
    const result = await trainBoth(emulated(), await cpu(2).open(), { precision, optimizer }, options);
    expect(result).toMatchObject({ precision, optimizer, ok: true });
    expect(result.losses).toHaveLength(2);
    expect(result.losses[0]).toBeCloseTo(Math.log(101), 0);
  });
});
