import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import type { Precision } from '../../../electron/engine/program/types.ts';
import type { RunEvent } from '../../../electron/engine/run/events.ts';
import { tempDir } from '../../temp.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import { faulty } from './faulty.ts';
import { smallRun, train, type Trained } from './harness.ts';
import { lack, where } from '../../frame/needs.ts';

const halves = ['bf16', 'f16'] as const satisfies readonly Precision[];
const lastValLoss = ({ events }: Trained): number =>
  events.filter((e): e is Extract<RunEvent, { type: 'evaluation' }> => e.type === 'evaluation').at(-1)!.valLoss;
const lossScales = ({ events }: Trained) => events.flatMap((e) => (e.type === 'metrics' ? [e.lossScale] : []));
const skips = ({ events }: Trained) => events.filter((e) => e.type === 'skip');

where(describe, [hasCpu, lack.cpu])('training in half precision', () => {
  let device: Device;
  beforeAll(async () => {
    device = await cpu(2).open();
  });

  it('ends after 500 steps within 1 % of the validation loss of float32', async () => {
    const of = async (precision: Precision) =>
      lastValLoss(
        await train(
          device,
          tempDir(),
          smallRun({
            precision,
            phases: [
              { kind: 'warmup', steps: 50, from: 1e-4, to: 3e-3 },
              { kind: 'cosine', steps: 450, from: 3e-3, to: 3e-4 },
            ],
          }),
        ),
      );
    const full = await of('f32');
    expect(full).toBeLessThan(2.5); // of 4.1 for one who has learnt nothing
    for (const precision of halves) expect(Math.abs((await of(precision)) / full - 1), precision).toBeLessThan(0.01);
  });

  it.each(halves)(
    'goes on to the same bit in %s when it was stopped, with the optimizer switched',
    async (precision) => {
      const config = smallRun({
        precision,
        phases: [
          { kind: 'constant', steps: 4, from: 3e-3, to: 3e-3 },
          { kind: 'constant', steps: 4, from: 3e-3, to: 3e-3, optimizer: 'adamw4bit' },
        ],
      });
      const whole = await train(device, tempDir(), config);
      const root = tempDir();
      const first = await train(device, root, config, { stopAfter: 6 });
      const second = await train(await cpu(1).open(), root, config, { from: await first.checkpoint(6) });
      expect([...first.losses, ...second.losses]).toEqual(whole.losses);
      expect(lastValLoss(second)).toBe(lastValLoss(whole));
    },
  );

  it.each(halves)('computes in %s what the reference computes', async (precision) => {
    const config = smallRun({ precision, phases: [{ kind: 'constant', steps: 4, from: 3e-3, to: 3e-3 }] });
    const [a, b] = [await train(device, tempDir(), config), await train(await tfjs.open(), tempDir(), config)];
    const step = precision === 'bf16' ? 2 ** -8 : 2 ** -11;
    for (const [i, loss] of b.losses.entries())
      expect(Math.abs(a.losses[i]! / loss - 1), `step ${i + 1}`).toBeLessThan(step);
  });

  it('keeps master weights in float32', async () => {
    const config = smallRun({ precision: 'bf16' });
    const { checkpoint } = await train(device, tempDir(), config);
    const weights = await (await checkpoint(6)).model('h.0.attn.c_attn.weight');
    const bits = new Uint32Array(weights.buffer);
    expect(bits.some((b) => (b & 0xffff) !== 0)).toBe(true);
  });
});

where(describe, [hasCpu, lack.cpu])('loss scaling', () => {
  const config = smallRun({
    precision: 'f16',
    phases: [{ kind: 'constant', steps: 12, from: 1e-3, to: 1e-3 }],
    guards: { spike: 12, spikeSteps: 2, window: 20, maxSkips: 3, maxRecoveries: 0 },
  });
  const overflowing = async (...updates: number[]) =>
    faulty(await cpu(2).open(), (update) => (updates.includes(update) ? 'nan' : undefined));

  it('halves the scale where the gradient overflows, skips that step, and takes it again with other data', async () => {
    const run = await train(await overflowing(1, 2, 8), tempDir(), config);
    expect(run.outcome).toMatchObject({ state: 'completed', step: 12 });
    expect(run.losses.length).toBe(12);
    expect(lossScales(run)).toEqual([...new Array(5).fill(16384), ...new Array(7).fill(8192)]);
    expect(skips(run)).toMatchObject([
      { step: 1, skipped: 1, lossScale: 65536 },
      { step: 1, skipped: 2, lossScale: 32768 },
      { step: 6, skipped: 3, lossScale: 16384 },
    ]);
    const state = (await run.checkpoint(12)).state.trainer as Record<string, unknown>;
    expect(state).toMatchObject({ skipped: 3, updates: 12, lossScale: { scale: 8192, goodSteps: 7 } });
  });

  it('looks for its scale at the start without calling that a failure', async () => {
    const run = await train(await overflowing(...Array.from({ length: 10 }, (_, i) => i + 1)), tempDir(), config);
    expect(run.outcome.state).toBe('completed');
    expect(lossScales(run)[0]).toBe(64);
  });

  it('fails with the reason when no scale helps', async () => {
    const run = await train(
      faulty(await cpu(2).open(), () => 'nan'),
      tempDir(),
      config,
    );
    expect(run.outcome).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('the gradient was not finite 3 times in a row'),
    });
    expect(skips(run).length).toBe(16 + 2); // from 65536 down to 1, and what the guards let pass there
  });

  it('is no part of the result: float32 with a scaled loss gives the same gradients', async () => {
    const run = await train(await cpu(2).open(), tempDir(), config);
    const full = await train(await cpu(2).open(), tempDir(), { ...config, precision: 'f32' });
    const norms = ({ events }: Trained) => events.flatMap((e) => (e.type === 'metrics' ? [e.gradNorm] : []));
    for (const [i, norm] of norms(run).entries())
      expect(Math.abs(norm / norms(full)[i]! - 1), `step ${i + 1}`).toBeLessThan(0.01);
  });

  it('is resumed with its count', async () => {
    const root = tempDir();
    const first = await train(await overflowing(2), root, config, { stopAfter: 5 });
    const second = await train(await cpu(2).open(), root, config, { from: await first.checkpoint(5) });
    expect(lossScales(second)).toEqual(new Array(7).fill(32768));
    const state = (await second.checkpoint(12)).state.trainer as Record<string, unknown>;
    expect(state).toMatchObject({ skipped: 1, lossScale: { scale: 32768, goodSteps: 11 } });
  });
});
