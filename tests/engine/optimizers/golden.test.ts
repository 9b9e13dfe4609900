import fs from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import type { Parameter, Parameters } from '../../../electron/engine/models/parameters.ts';
import { Optimizer, type OptimizerKind } from '../../../electron/engine/optimizers/index.ts';
import { maps, unpack4 } from '../../../electron/engine/optimizers/quantize.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { Recorder } from '../../../electron/engine/program/recorder.ts';
import { type Buffer, elements } from '../../../electron/engine/program/types.ts';
import { SafetensorsFile } from '../../../electron/exchange/safetensors/index.ts';
import { goldenPath } from '../../golden/path.ts';
import { expectClose } from '../compare.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import { stepScalars } from '../models/golden.ts';

const devices = [tfjs, ...(hasCpu ? [cpu(2)] : [])];
const cases: readonly { kind: OptimizerKind; folder: string }[] = [
  { kind: 'adamw8bit', folder: 'adamw8bit' },
  { kind: 'pagedAdamw8bit', folder: 'adamw8bit' },
  { kind: 'adamw4bit', folder: 'adamw4bit' },
];

interface Settings {
  readonly lr: number;
  readonly betas: [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly steps: number;
  readonly quantized: Readonly<Record<string, boolean>>;
  readonly signed_map: readonly number[];
  readonly unsigned_map: readonly number[];
}

const settingsOf = (folder: string): Settings =>
  JSON.parse(fs.readFileSync(goldenPath(folder, 'settings.json'), 'utf8'));
const open = (folder: string, file: string) => SafetensorsFile.open(goldenPath(folder, `${file}.safetensors`));

/** A parameter that stands alone. The reference decays them all. */
function parameterOf(name: string, shape: readonly number[]): Parameter {
  const buffer = (role: Buffer['role'], prefix = ''): Buffer => ({
    name: `${prefix}${name}`,
    shape,
    dtype: 'f32',
    role,
  });
  return {
    spec: { name, shape, fileShape: shape, init: { kind: 'zeros' }, decay: true },
    value: buffer('parameter'),
    working: buffer('parameter'),
    gradient: buffer('gradient', 'd.'),
  };
}

describe('quantization maps', () => {
  it.each(['adamw8bit', 'adamw4bit'])('of %s are the reference ones', (folder) => {
    const { signed_map, unsigned_map } = settingsOf(folder);
    const [signed, unsigned] = folder === 'adamw8bit' ? [maps.signed8, maps.unsigned8] : [maps.signed4, maps.unsigned4];
    for (const [map, expected] of [
      [signed, signed_map],
      [unsigned, unsigned_map],
    ] as const) {
      expect(map.length).toBe(expected.length);
      for (const [i, x] of expected.entries()) expect(map[i]).toBeCloseTo(x, 15);
    }
  });
});

describe.each(devices)('low-bit AdamW on $name against float64', ({ open: openDevice }) => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice();
  });

  it.each(cases)('$kind follows 20 steps: parameters, codes and scales', async ({ kind, folder }) => {
    const settings = settingsOf(folder);
    const [params, grads, expected] = [
      await open(folder, 'params'),
      await open(folder, 'grads'),
      await open(folder, 'expected'),
    ];
    const all = Object.keys(settings.quantized).map((n) => parameterOf(n, params.header.tensors.get(n)!.shape));
    const optimizer = new Optimizer(kind, { all } as unknown as Parameters, 'paper');
    const stats: Buffer = { name: 'stats', shape: [4], dtype: 'f32', role: 'output' };
    const scalars: Buffer = { name: 'scalars', shape: [8], dtype: 'f32', role: 'input' };
    const r = new Recorder();
    r.beginUpdate();
    const [beta1, beta2] = settings.betas;
    const numbers = { beta1, beta2, eps: settings.eps, weightDecay: settings.weight_decay };
    optimizer.record(r, { settings: numbers, stats, scalars });
    const program = r.program('update');
    const session = await device.load([program], plan([program]));
    session.write(stats, Float32Array.of(1, 1, 0, 0));
    for (const { spec, value } of all) session.write(value, await params.readFloat32(spec.name));
    for (let step = 1; step <= settings.steps; step++) {
      session.write(scalars, stepScalars(step, settings.lr, settings.betas, 1));
      for (const { spec, gradient } of all) session.write(gradient, await grads.readFloat32(`${spec.name}.${step}`));
      await session.run(program);
    }
    for (const [i, { spec, value }] of all.entries()) {
      const { name } = spec;
      // A code that rounding in float32 tips to its neighbor changes later steps a little.
      expectClose(session.read(value), await expected.readFloat32(`${name}.param`), 1e-3, name);
      const { tensors } = optimizer.states[i]!;
      expect(tensors.length, name).toBe(settings.quantized[name] ? 4 : 2);
      if (!settings.quantized[name]) {
        for (const { name: tensor, buffer } of tensors) {
          const moment = tensor[0];
          expectClose(session.read(buffer), await expected.readFloat32(`${name}.${moment}`), 1e-5, tensor);
        }
        continue;
      }
      for (const { name: tensor, buffer } of tensors) {
        const [moment, part] = [tensor[0], tensor.split('.').at(-1)];
        if (part === 'scale') {
          expectClose(session.read(buffer), await expected.readFloat32(`${name}.${moment}_scale`), 1e-2, tensor);
          continue;
        }
        const codes = (await expected.read(`${name}.${moment}_codes`)) as Uint8Array;
        const stored = session.read(buffer) as Uint8Array;
        const actual = folder === 'adamw4bit' ? unpack4(stored, elements(spec.shape)) : stored;
        const off = codes.map((code, k) => Math.abs(code - actual[k]!));
        expect(Math.max(...off), tensor).toBeLessThanOrEqual(1);
        expect(off.filter((d) => d > 0).length / codes.length, tensor).toBeLessThan(5e-4);
      }
    }
    session.close();
    for (const file of [params, grads, expected]) await file.close();
  });
});
