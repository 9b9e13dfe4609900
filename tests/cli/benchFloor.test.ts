import { describe, expect, it } from 'vitest';
import { oneLineOf } from './workplace.ts';
import { machineWith, type Shown } from '../gpus.ts';
import { runCli } from './run.ts';

interface Floor {
  readonly preset: string;
  readonly model: { readonly dropout: number };
  readonly batch: number;
  readonly precision: string;
  readonly recompute: string;
  readonly optimizer: string;
  readonly tokensPerStep: number;
  readonly gpus: {
    readonly gpu: string;
    readonly seconds: number;
    readonly tokensPerSecond: number;
    readonly mfu: number;
    readonly peak: number;
    readonly ops: { readonly kind: string; readonly calls: number; readonly seconds: number }[];
  }[];
}

async function floor(...args: string[]): Promise<Floor> {
  const { code, stdout, stderr } = await runCli(['bench', 'floor', ...args, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

describe('bench floor', () => {
  it('tells the least time of a step of gpt2-medium-4096, and of nothing that is not in it', async () => {
    const reported = await floor();
    expect(reported).toMatchObject({
      preset: 'gpt2-medium-4096',
      precision: 'f16',
      optimizer: 'adamw',
      recompute: 'none',
      batch: 1,
      tokensPerStep: 262_144,
      model: { dropout: 0 },
    });
    expect(reported.gpus.map((g) => [g.gpu, Math.round(g.tokensPerSecond)])).toEqual([
      ['rtx-3060-12gb', 8260],
      ['rtx-a5000', 35_369],
      ['h100-80gb', 304_324],
    ]);
    for (const [i, seconds] of [31.74, 7.412, 0.8614].entries()) {
      const { ops, mfu, peak, ...gpu } = reported.gpus[i]!;
      expect(gpu.seconds / seconds).toBeCloseTo(1, 3);
      expect(sum(ops.map((o) => o.seconds))).toBeCloseTo(gpu.seconds, 9);
      expect(ops.map((o) => o.kind)).not.toContain('dropout');
      // 6 FLOPs for each of 26 · 12 · 1024² + 50257 · 1024 weights and token, 12 · 26 · 1024 · 4096 for its attention.
      const perToken = 6 * (26 * 12 * 1024 ** 2 + 50257 * 1024) + 12 * 26 * 1024 * 4096;
      expect(mfu).toBeCloseTo((262_144 * perToken) / gpu.seconds / peak, 9);
    }
  });

  it('takes a preset as it trains: nano and mini in float32', async () => {
    for (const preset of ['nano', 'mini']) {
      const { precision, gpus } = await floor('--preset', preset, '--gpu', 'rtx-3060-12gb');
      expect([preset, precision, gpus[0]!.peak]).toEqual([preset, 'f32', 12.7e12]);
    }
    const { code, stdout } = await runCli(['bench', 'floor', '--preset', 'nano']);
    expect([code, stdout.split('\n')[0]]).toEqual([0, 'nano in f32 with adamw: a step of 2,048 tokens, 8 × 256 at a time']); // prettier-ignore
  });

  it('counts what flags change: batch, precision, optimizer, recomputation, tensor cores for float32', async () => {
    const gpu = ['--gpu', 'rtx-a5000'];
    const calls = (f: Floor, kind: string) => f.gpus[0]!.ops.find((o) => o.kind === kind)?.calls ?? 0;
    const defaults = await floor(...gpu);
    const two = await floor(...gpu, '--batch', '2', '--optimizer', 'adamw8bit', '--recompute', 'attention');
    expect(two).toMatchObject({ batch: 2, optimizer: 'adamw8bit', recompute: 'attention', tokensPerStep: 262_144 });
    expect(calls(two, 'attentionBackward')).toBe(calls(defaults, 'attentionBackward') / 2);
    expect(calls(two, 'attention')).toBe(2 * calls(two, 'attentionBackward'));
    expect([calls(defaults, 'adamw8bit') > 0, calls(two, 'adamw8bit') > 0]).toEqual([false, true]);
    const [full, tf32] = [await floor(...gpu, '--precision', 'f32'), await floor(...gpu, '--precision', 'f32', '--tf32')]; // prettier-ignore
    expect([full.gpus[0]!.peak, tf32.gpus[0]!.peak]).toEqual([27.8e12, 111.1e12 / 2]);
    expect(tf32.gpus[0]!.seconds).toBeLessThan(0.6 * full.gpus[0]!.seconds);
  });

  describe('of the GPUs here', () => {
    const gib = 2 ** 30;
    const machine: Shown[] = [
      { name: 'NVIDIA RTX A5000', memoryBytes: 23 * gib, freeBytes: 20 * gib },
      { name: 'NVIDIA H100 80GB HBM3', memoryBytes: 79 * gib, freeBytes: 79 * gib },
      { name: 'NVIDIA GeForce RTX 3060', memoryBytes: 8 * gib, freeBytes: 8 * gib },
      'its driver is too old',
    ];
    const on = (gpus: Shown[], ...ids: string[]) =>
      runCli(['bench', 'floor', '--gpu', ...ids, '--json'], { TRAINYARD_CUDA_ADDON: machineWith(gpus) });

    it('takes their data sheets, by what their driver calls them; the one with the most room unless told', async () => {
      const { code, stdout } = await on(machine, 'here', 'here:0', 'rtx-3060-12gb');
      const reported = JSON.parse(stdout) as Floor;
      expect([code, reported.gpus.map((g) => g.gpu)]).toEqual([0, ['h100-80gb', 'rtx-a5000', 'rtx-3060-12gb']]);
    });

    it('says which it can take none of, and why', async () => {
      const refused = async (...args: Parameters<typeof on>) => {
        const { code, stderr } = await on(...args);
        return [code, oneLineOf(stderr)];
      };
      expect(await refused(machine, 'here:2')).toEqual([1, expect.stringMatching(/NVIDIA GeForce RTX 3060 with 8\.00 GiB is not in the table/)]); // prettier-ignore
      expect(await refused(machine, 'here:3')).toEqual([1, expect.stringMatching(/GPU 3 .*its driver is too old/)]);
      expect(await refused(machine, 'here:4')).toEqual([1, expect.stringMatching(/GPU 4 .*there are 4, counted from 0/)]); // prettier-ignore
      expect(await refused(machine, 'here:x')).toEqual([2, expect.stringMatching(/--gpu here: needs a number/)]);
      expect(await refused([], 'here')).toEqual([1, expect.stringMatching(/GPU 0 .*no CUDA-capable device/)]);
    });
  });

  it.each([
    [['--batch', '3'], /--batch 3 .*262,144/],
    [['--batch', '0'], /--batch/],
    [['--gpu', 'voodoo'], /voodoo/],
    [['--preset', 'gpt5'], /gpt5/],
  ])('refuses what makes no step: %j', async (args, reason) => {
    const { code, stderr } = await runCli(['bench', 'floor', ...args]);
    expect([code, reason.test(oneLineOf(stderr))]).toEqual([2, true]);
  });
});
