import { moduleReserve } from '../../electron/engine/devices/gpu.ts';
import { describe, expect, it } from 'vitest';
import type { BenchEntry, GpuBench } from '../../electron/engine/bench/gpu.ts';
import type { Device, Session } from '../../electron/engine/devices/device.ts';
import type { Buffer } from '../../electron/engine/program/types.ts';
import { claimsOfBench, claimsOfDriver } from '../../electron/engine/verify/claims.ts';
import { examineDevice } from '../../electron/engine/verify/examine.ts';
import { trainAgain } from '../../electron/engine/verify/trainAgain.ts';
import { trainBoth } from '../../electron/engine/verify/trainBoth.ts';
import { cpu, hasCpu } from '../engine/devices.ts';
import { lack, where } from '../frame/needs.ts';

/** So wide that moments are kept in 8 and 4 bits, where the optimizer does. */
const model = { vocabSize: 101, contextLength: 16, nLayer: 1, nHead: 2, nEmbd: 64, dropout: 0 };
const again = { model: { ...model, dropout: 0.1 }, batch: 1, steps: 4 };

/** A device whose sessions do something else. @param change given the session and how many were loaded before */
const changed = (device: Device, change: (session: Session, index: number) => Partial<Session>): Device => {
  let index = 0;
  return {
    ...device,
    async load(...args) {
      const session = await device.load(...args);
      const bound = {
        write: session.write.bind(session),
        read: session.read.bind(session),
        run: session.run.bind(session),
        close: session.close.bind(session),
      };
      return Object.assign(Object.create(session) as Session, bound, change(session, index++));
    },
  };
};

where(describe, [hasCpu, lack.cpu])('training again', () => {
  const kind = { precision: 'f16', optimizer: 'adamw8bit' } as const;

  it.each(['adamw', 'adamw8bit', 'pagedAdamw8bit', 'adamw4bit'] as const)(
    'gives the same bits on a device that is right, also behind a pause: %s',
    async (optimizer) => {
      const result = await trainAgain(await cpu(2).open(), { precision: 'bf16', optimizer }, again);
      expect(result).toEqual({ precision: 'bf16', optimizer, again: undefined, paused: undefined });
    },
  );

  it('finds a loss that differs in its last bit', async () => {
    const device = changed(await cpu(2).open(), (session, index) => ({
      read: (buffer, target) => {
        const value = session.read(buffer, target);
        if (index === 1 && buffer.name === 'lossTotal') value[0] = value[0]! * (1 + 2 ** -23);
        return value;
      },
    }));
    const result = await trainAgain(device, kind, again);
    expect(result.again).toMatch(/the loss of step 1 was/);
    expect(result.paused).toBeUndefined();
  });

  it('finds a parameter that differs in one bit at the end', async () => {
    const device = changed(await cpu(2).open(), (session, index) => ({
      read: (buffer, target) => {
        const value = session.read(buffer, target);
        if (index === 1 && buffer.name === 'h.0.mlp.c_fc.weight') new Uint8Array(value.buffer)[77]! ^= 1;
        return value;
      },
    }));
    expect(await trainAgain(device, kind, again)).toMatchObject({ again: 'h.0.mlp.c_fc.weight had other bits' });
  });

  it('finds what does not survive a pause', async () => {
    const isMoment = (b: Buffer) => b.role === 'optimizer';
    const device = changed(await cpu(2).open(), (session) => ({
      write: (buffer, data) => (isMoment(buffer) ? undefined : session.write(buffer, data)),
    }));
    const result = await trainAgain(device, kind, again);
    expect(result.again).toBeUndefined();
    expect(result.paused).toBeDefined();
  });
});

where(describe, [hasCpu, lack.cpu])('an examination', () => {
  const options = {
    models: [
      { ...model, contextLength: 40 },
      { ...model, contextLength: 40, nHead: 1 },
    ],
    alike: { model, batch: 1, steps: 3 },
    again: { ...again, steps: 2 },
    tf32: false,
    of: 'own kernels',
  };

  it('claims of a device what is so: ops, widths of heads, each precision and optimizer, bits', async () => {
    const [device, reference] = [await cpu(2).open(), await cpu(1).open()];
    const found = await examineDevice(device, reference, options, () => {});
    expect(found.claims.map((c) => [c.claim, c.ok])).toEqual(
      [
        'every op as on the processor, own kernels',
        'attention with heads 32 wide, own kernels',
        'attention with heads 64 wide, own kernels',
        'trains as the processor does in f32, with each optimizer, own kernels',
        'trains as the processor does in bf16, with each optimizer, own kernels',
        'trains as the processor does in f16, with each optimizer, own kernels',
        'the same bits when trained twice, own kernels',
        'the same bits behind a pause, own kernels',
      ].map((claim) => [claim, true]),
    );
    expect(new Set(found.trained.map((t) => `${t.precision} ${t.optimizer}`)).size).toBe(12);
    expect(new Set(found.again.map((t) => `${t.precision} ${t.optimizer}`)).size).toBe(12);
  });

  it('claims nothing that is not so, and goes on behind what fails', async () => {
    const right = await cpu(2).open();
    const wrong = changed(right, (session) => ({
      run: async (program, times) => {
        if (program.calls.some((c) => c.kind === 'adamw4bit')) throw new Error('the kernel failed');
        return session.run(program, times);
      },
      // Losses come back too large by a fiftieth.
      read: (buffer, target) => {
        const value = session.read(buffer, target);
        if (buffer.name === 'lossTotal') value[0] = value[0]! * 1.02;
        return value;
      },
    }));
    const { claims } = await examineDevice(wrong, right, options, () => {});
    expect(claims.map((c) => c.ok)).toEqual([false, false, false, false, false, false, false, false]);
    expect(claims.at(-1)!.detail).toBe('the kernel failed');
  });

  it('takes no number for no likeness', async () => {
    const right = await cpu(2).open();
    const wrong = changed(right, (session) => ({
      read: (buffer, target) => {
        const value = session.read(buffer, target);
        if (buffer.name === 'lossTotal') value[0] = Number.NaN;
        return value;
      },
    }));
    const kind = { precision: 'f32', optimizer: 'adamw' } as const;
    expect(await trainBoth(wrong, right, kind, { model, batch: 1, steps: 1 })).toMatchObject({
      ok: false,
      difference: Number.POSITIVE_INFINITY,
    });
  });
});

const mib = 2 ** 20;

describe('what is claimed of a driver', () => {
  it('is that it takes no more than is assumed of it, where it is known what it takes', () => {
    const of = (overheadBytes: number) => claimsOfDriver({ overheadBytes }, 512 * mib).map((c) => [c.ok, c.detail]);
    expect(of(512 * mib)).toEqual([[true, '512.00 MiB']]);
    expect(of(513 * mib)).toEqual([[false, '513.00 MiB']]);
    expect(of(-1)).toEqual([]);
  });
});

describe('what a bench says of memory', () => {
  const step = { model, batch: 1, time: 16, precision: 'f32' } as const;
  const timed = (change: object) =>
    ({
      step,
      plannedBytes: 1000,
      memory: {
        arenaBytes: 1000,
        overheadBytes: 100,
        moduleBytes: 50,
        processBytes: 1100,
        isByDriver: true,
        heldBytes: 1000,
        ...change,
      },
    }) as unknown as BenchEntry;
  const verdicts = (...steps: BenchEntry[]) => claimsOfBench({ steps } as unknown as GpuBench).map((c) => c.ok);

  it('is right where arenas are the plan and nothing else has grown', () => {
    expect(verdicts(timed({}), timed({ processBytes: 1110 }))).toEqual([true, true, true, true]);
    expect(verdicts(timed({}), timed({ processBytes: 1089 }))).toEqual([true, true, true, true]);
  });

  it('is wrong by one byte of an arena, and by more than a hundredth of the process', () => {
    expect(verdicts(timed({}), timed({ arenaBytes: 1001 }))).toEqual([false, true, true, true]);
    expect(verdicts(timed({}), timed({ processBytes: 1112 }))).toEqual([true, false, true, true]);
    expect(verdicts(timed({}), timed({ processBytes: 1088 }))).toEqual([true, false, true, true]);
  });

  it('is lenient with what other programs may have taken, where only what is free can be looked at', () => {
    const seen = (off: number) => timed({ isByDriver: false, processBytes: 1100 + off });
    expect(verdicts(seen(64 * mib), timed({ processBytes: 1110 }))).toEqual([true, true, true, true]);
    expect(verdicts(seen(-64 * mib - 1))).toEqual([true, false, true, true]);
    expect(verdicts(seen(0), timed({ processBytes: 1112 }))).toEqual([true, false, true, true]);
    const claims = (...steps: BenchEntry[]) => claimsOfBench({ steps } as unknown as GpuBench)[1]!.claim;
    expect(claims(timed({}))).toMatch(/within 1 %$/);
    expect(claims(seen(0), timed({}))).toMatch(/within 1 % or 64\.00 MiB, for what is free/);
  });

  it('is wrong where kernels and recordings take more than is left for them', () => {
    expect(verdicts(timed({}), timed({ moduleBytes: moduleReserve + 1 }))).toEqual([true, true, false, true]);
  });

  it('is no failure of what does not fit, but one of what fails, and where nothing was timed', () => {
    expect(verdicts(timed({}), { step, error: 'it does not fit', missingBytes: 5 })).toEqual([true, true, true, true]);
    expect(verdicts(timed({}), { step, error: 'the GPU failed' })).toEqual([true, true, true, false]);
    expect(verdicts({ step, error: 'it does not fit', missingBytes: 5 })).toEqual([false, false, false, false]);
  });
});
