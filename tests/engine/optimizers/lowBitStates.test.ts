import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sealState, unsealState } from '../../../electron/engine/checkpoint/state.ts';
import type { OpenedCheckpoint } from '../../../electron/engine/checkpoint/index.ts';
import type { Device, HostArray, Session } from '../../../electron/engine/devices/device.ts';
import { type FitConfig, fit } from '../../../electron/engine/fit/fit.ts';
import { parameterTable } from '../../../electron/engine/models/index.ts';
import { Parameters } from '../../../electron/engine/models/parameters.ts';
import {
  type LowBitStates,
  type Moments,
  Optimizer,
  type OptimizerKind,
} from '../../../electron/engine/optimizers/index.ts';
import { bits8States } from '../../../electron/engine/optimizers/adamw8bit.ts';
import { loadPreset } from '../../../electron/engine/run/presets.ts';
import { type Buffer, elements, precisions } from '../../../electron/engine/program/types.ts';
import { Model } from '../../../electron/engine/models/programs.ts';
import { restoreOptimizer } from '../../../electron/engine/run/tensors.ts';
import { findGpu } from '../../../electron/engine/fit/gpus.ts';
import { tempDir } from '../../temp.ts';
import { cpu, hasCpu } from '../devices.ts';
import { smallRun, train } from '../run/harness.ts';
import { lack, where } from '../../frame/needs.ts';

const lowBit: readonly OptimizerKind[] = ['adamw8bit', 'pagedAdamw8bit', 'adamw4bit'];

/** Token and position embeddings of more than 4096 elements each. */
const model = { vocabSize: 130, contextLength: 128, nLayer: 1, nHead: 2, nEmbd: 40, dropout: 0 };

const run = (kind: OptimizerKind, lowBitStates?: LowBitStates, steps = 8) =>
  smallRun({
    model: { vocabSize: 61, contextLength: 16, nLayer: 2, nHead: 2, nEmbd: 80, dropout: 0.1 },
    tokensPerStep: 64,
    phases: [{ kind: 'constant', steps, from: 3e-3, to: 3e-3 }],
    optimizer: { kind, ...(lowBitStates ? { lowBitStates } : {}) },
  });

describe('moments of embeddings', () => {
  it.each(lowBit)('are float32 with %s, and in few bits where that is asked for', (kind) => {
    const tensors = (embeddings: LowBitStates) =>
      Object.fromEntries(
        new Optimizer(kind, new Parameters(parameterTable(model)), embeddings).states.map((s) => [
          s.parameter.spec.name,
          s.tensors.map(({ buffer }) => `${buffer.role} ${buffer.dtype}`),
        ]),
      );
    const [defaults, all] = [tensors('stable'), tensors('paper')];
    for (const name of ['wte.weight', 'wpe.weight']) {
      expect(defaults[name], name).toEqual(['optimizer f32', 'optimizer f32']);
      expect(all[name]!.length, name).toBe(4);
    }
    expect(defaults['h.0.mlp.c_fc.weight']).toEqual(all['h.0.mlp.c_fc.weight']);
    expect(defaults['h.0.mlp.c_fc.weight']!.length).toBe(4);
  });

  it.each(lowBit)('are planned to the byte with %s', (kind) => {
    const { config } = loadPreset('gpt2-medium-4096');
    const shape = { ...(config.model as FitConfig['model']), vocabSize: 50257, dropout: 0 };
    const plan = (lowBitStates: LowBitStates) =>
      fit({ model: shape, batch: 1, precision: 'f16', recompute: 'none', optimizer: kind, lowBitStates });
    const [defaults, all] = [plan('stable'), plan('paper')];
    const sizes = [50304 * 1024, 4096 * 1024];
    const aligned = (bytes: number) => Math.ceil(bytes / 256) * 256;
    const float32 = sizes.reduce((sum, n) => sum + 2 * aligned(4 * n), 0);
    const codes = sizes.reduce((sum, n) => {
      if (kind !== 'adamw4bit') return sum + 2 * aligned(n) + 2 * aligned((4 * n) / 256);
      return sum + 2 * aligned(n / 2) + aligned((4 * n) / 128) + aligned(4 * (n / 1024 + 1024));
    }, 0);
    const onDevice = kind === 'pagedAdamw8bit' ? 0 : codes;
    expect(defaults.roleBytes.optimizer! - all.roleBytes.optimizer!).toBe(float32 - onDevice);
    expect(all.hostBytes - defaults.hostBytes).toBe(codes - onDevice);
    // It has the room, beside 512 MiB for the driver.
    expect(defaults.totalBytes).toBeLessThan((findGpu('rtx-3060-12gb').memoryMiB - 512) * 2 ** 20);
  });
});

describe('8-bit second moments that are coded by their root', () => {
  const parameter = new Parameters(parameterTable(model)).all.find((p) => p.spec.name === 'h.0.mlp.c_fc.weight')!;
  const n = elements(parameter.spec.shape);
  const decoded = (root: boolean, v: Float32Array) => {
    const states = bits8States(parameter, 'optimizer', root);
    return states.decode(states.encode({ m: new Float32Array(n).fill(1), v })).v!;
  };

  it('keep 12 decades in a block, where others keep 6', () => {
    const v = Float32Array.from({ length: n }, (_, i) => 10 ** -((12 * (i % 256)) / 255));
    const zeros = (values: Float32Array) => values.filter((x) => x === 0).length;
    expect(zeros(decoded(true, v))).toBe(0);
    expect(zeros(decoded(false, v)) / n).toBeGreaterThan(0.4);
  });

  it('give steps within 4 % in the two upper decades, and nearer ones than others below', () => {
    for (let decade = 0; decade < 6; decade++) {
      const v = Float32Array.from({ length: n }, (_, i) => (i % 256 === 0 ? 1 : 10 ** -(decade + (i % 256) / 256)));
      // A step divides by the root of v.
      const error = (root: boolean) => {
        const now = decoded(root, v);
        return Math.max(...v.map((x, i) => Math.abs(Math.sqrt(x / now[i]!) - 1)));
      };
      expect(error(true), `decade ${decade}`).toBeLessThan(decade < 2 ? 0.04 : error(false) / 1.5);
    }
  });
});

describe('moments that another format takes over', () => {
  it.each(['adamw', 'adamw8bit', 'adamw4bit'] as const)(
    'are never 0 beside a first moment that is not: %s',
    async (kind) => {
      const gpt2 = new Model(model);
      const written = new Optimizer('adamw8bit', gpt2.parameters, 'paper');
      const stored = new Map<string, HostArray>();
      for (const { parameter, tensors, encode } of written.states) {
        const n = elements(parameter.spec.shape);
        // Every other one is far below the largest.
        const m = Float32Array.from({ length: n }, (_, i) => (i % 2 ? 1e-5 : 1));
        const values = encode({ m, v: m.map((x) => x * x) });
        for (const [i, { name, fileShape, buffer }] of tensors.entries())
          stored.set(name, buffer.dtype === 'f32' ? values[i]!.subarray(0, elements(fileShape)) : values[i]!);
      }
      const optimizer = new Optimizer(kind, gpt2.parameters, 'stable');
      const restored = new Map<Buffer, HostArray>();
      await restoreOptimizer(
        { write: (buffer: Buffer, data: HostArray) => restored.set(buffer, data) } as unknown as Session,
        gpt2,
        optimizer,
        { raw: async (_: string, name: string) => stored.get(name)! } as unknown as OpenedCheckpoint,
        { optimizer: 'adamw8bit', lowBitStates: 'paper' },
      );
      for (const { tensors, parameter, countLost, decode } of optimizer.states) {
        const values = tensors.map(({ buffer }) => restored.get(buffer)!);
        expect(countLost?.(values), parameter.spec.name).toBe(0);
        const { m, v } = decode(values) as Moments;
        // As if all gradients had been the first moment: a step of one learning rate.
        if (kind === 'adamw') expect(Math.abs(m[1]!) / Math.sqrt(v[1]!), parameter.spec.name).toBeCloseTo(1, 1);
      }
    },
  );
});

where(describe, [hasCpu, lack.cpu])('runs with low-bit moments', () => {
  let device: Device;
  beforeAll(async () => {
    device = await cpu(2).open();
  });

  it.each(precisions)(
    'compute the same bits with 8-bit moments on the device and in host memory, in %s',
    async (precision) => {
      const losses = async (kind: OptimizerKind, embeddings: LowBitStates) =>
        (await train(device, tempDir(), { ...run(kind, embeddings), precision })).losses;
      for (const embeddings of ['stable', 'paper'] as const)
        expect(await losses('pagedAdamw8bit', embeddings)).toEqual(await losses('adamw8bit', embeddings));
    },
  );

  it.each(lowBit)(
    'go on from a checkpoint of an earlier version with %s: its codes are read, and that is told',
    async (kind) => {
      const root = tempDir();
      const first = await train(device, root, run(kind, 'paper'), { stopAfter: 4 });
      forgetFormat(path.join(root, 'step-000004'));
      const whole = await train(device, tempDir(), run(kind, 'paper'));

      const same = await train(device, root, run(kind, 'paper'), { from: await first.checkpoint(4) });
      expect([...first.losses, ...same.losses]).toEqual(whole.losses);
      expect(same.events.filter((e) => e.type === 'lowBitStates')).toEqual([]);

      // Rounding shows from the second step on.
      forgetFormat(path.join(root, 'step-000004'));
      const now = await train(device, root, run(kind), { from: await first.checkpoint(4), stopAfter: 6 });
      expect(now.losses[0]).toBe(whole.losses[4]);
      for (const [i, loss] of now.losses.entries())
        expect(Math.abs(loss / whole.losses[4 + i]! - 1)).toBeLessThan(0.03);
      const reported = { type: 'lowBitStates', step: 4, to: 'stable' };
      expect(now.events.filter((e) => e.type === 'lowBitStates')).toEqual([reported]);
      const { headers } = await now.checkpoint(6);
      expect(headers.optimizer.tensors.get('m.wte.weight')).toMatchObject({ dtype: 'F32', shape: [61, 80] });

      // What it has become is what it stays, without a word.
      const later = await train(device, root, run(kind), { from: await now.checkpoint(6) });
      expect(later.outcome.state).toBe('completed');
      expect(later.events.filter((e) => e.type === 'lowBitStates')).toEqual([]);
    },
  );

  it('tell nothing where nothing is kept in another format', async () => {
    const root = tempDir();
    const tiny = (lowBitStates: LowBitStates) => smallRun({ optimizer: { kind: 'adamw4bit', lowBitStates } });
    const first = await train(device, root, tiny('paper'), { stopAfter: 2 });
    const { events, losses } = await train(device, root, tiny('stable'), { from: await first.checkpoint(2) });
    expect(losses.length).toBe(4);
    expect(events.filter((e) => e.type === 'lowBitStates')).toEqual([]);
  });
});

/** Makes a checkpoint one of an earlier version, which did not say how moments of embeddings are kept. */
function forgetFormat(dir: string): void {
  const file = path.join(dir, 'state.json');
  const { step, files, state } = unsealState(file, fs.readFileSync(file, 'utf8'));
  const { lowBitStates: _, ...trainer } = state.trainer as Record<string, unknown>;
  expect(trainer.step).toBe(step);
  fs.writeFileSync(file, sealState({ step, files, state: { ...state, trainer } }));
}
