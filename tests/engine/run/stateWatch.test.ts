import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Entry } from '../../../electron/engine/checkpoint/index.ts';
import type { Device, HostArray } from '../../../electron/engine/devices/device.ts';
import { parameterTable } from '../../../electron/engine/models/index.ts';
import { Parameters } from '../../../electron/engine/models/parameters.ts';
import { adamwReach as reach } from '../../../electron/engine/optimizers/adamw.ts';
import {
  defaultNumbers,
  type LowBitStates,
  type Moments,
  Optimizer,
  type OptimizerKind,
  optimizerKinds,
} from '../../../electron/engine/optimizers/index.ts';
import { elements } from '../../../electron/engine/program/types.ts';
import { StateWatch } from '../../../electron/engine/run/stateWatch.ts';
import { Random } from '../random.ts';
import { tempDir } from '../../temp.ts';
import { cpu, hasCpu } from '../devices.ts';
import { smallRun, train } from './harness.ts';
import { lack, where } from '../../frame/needs.ts';

const parameters = new Parameters(
  parameterTable({ vocabSize: 128, contextLength: 16, nLayer: 1, nHead: 2, nEmbd: 64, dropout: 0 }),
);
const betas = { beta1: 0.9, beta2: 0.95 };
const watchedTensor = 'h.0.mlp.c_fc.weight';

interface Hand {
  readonly optimizer: Optimizer;
  /** Of the one tensor, a share of whose second moments is 0; all others are as they should be. */
  readonly lost?: number;
  /** The largest magnitude of the one tensor's weights. */
  readonly largest?: number;
}

/** Takes a look at states made by hand. */
async function look(watch: StateWatch, { optimizer, lost = 0, largest = 0.5 }: Hand) {
  const random = new Random(7);
  const entry = (name: string, data: HostArray): Entry => ({ name, dtype: 'F32', shape: [], data: () => data });
  const model = parameters.all.map(({ spec }) => {
    const values = new Float32Array(elements(spec.fileShape)).fill(0.1);
    values[3] = spec.name === watchedTensor ? -largest : 0.5;
    return entry(spec.name, values);
  });
  const moments = optimizer.states.flatMap((states) => {
    const { name, shape } = states.parameter.spec;
    const n = elements(shape);
    const m = Float32Array.from({ length: n }, () => (random.uniform() + 0.5) * (random.uniform() < 0.5 ? -1 : 1));
    const v = Float32Array.from(m, (x) => x * x);
    if (name === watchedTensor) for (let i = 0; i < Math.round(lost * n); i++) v[(i * 7919) % n] = 0;
    return states.encode({ m, v }).map((values, i) => entry(states.tensors[i]!.name, values));
  });
  const { model: weights, optimizer: states, findings } = watch.look(model, moments, optimizer);
  for (const { data } of [...weights, ...states]) await data();
  return findings();
}

/** A watch that has seen all weights at 0.5 at most. */
function started(): StateWatch {
  const watch = new StateWatch(defaultNumbers);
  watch.start(parameters, ({ spec }) => new Float32Array(elements(spec.shape)).fill(-0.5));
  return watch;
}

describe('a look at moments', () => {
  it.each(['adamw', 'adamw8bit', 'pagedAdamw8bit'] as const)('of %s tells second moments that are 0', async (kind) => {
    const optimizer = new Optimizer(kind, parameters);
    const watch = started();
    expect((await look(watch, { optimizer, lost: 0 })).lost).toEqual([]);
    expect((await look(watch, { optimizer, lost: 0.0009 })).lost).toEqual([]);
    const { lost } = await look(watch, { optimizer, lost: 0.12 });
    expect(lost).toEqual([{ tensor: watchedTensor, share: expect.closeTo(0.12, 3) }]);
  });

  it('tells it once, and again when it has been well in between', async () => {
    const optimizer = new Optimizer('adamw8bit', parameters);
    const watch = started();
    const reported = [];
    for (const lost of [0.1, 0.2, 0, 0.1]) reported.push((await look(watch, { optimizer, lost })).lost.length);
    expect(reported).toEqual([1, 0, 0, 1]);
  });

  it('tells nothing of moments that are both 0, as those of tokens that were never seen', async () => {
    const optimizer = new Optimizer('adamw8bit', parameters);
    for (const states of optimizer.states) {
      const zeros = () => new Float32Array(elements(states.parameter.spec.shape));
      expect(states.countLost?.(states.encode({ m: zeros(), v: zeros() }))).toBe(0);
    }
  });

  it.each(optimizerKinds)('counts with %s what decoding shows', (kind) => {
    const optimizer = new Optimizer(kind, parameters, 'paper');
    const states = optimizer.states.find((s) => s.parameter.spec.name === 'wte.weight')!;
    const n = elements(states.parameter.spec.shape);
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 9, noNaN: true }), (seed, decades) => {
        const random = new Random(seed);
        const m = Float32Array.from({ length: n }, () =>
          random.uniform() < 0.1 ? 0 : 10 ** (-decades * random.uniform()),
        );
        const v = Float32Array.from({ length: n }, (_, i) => (i < 256 ? 0 : 10 ** (-2 * decades * random.uniform())));
        const values = states.encode({ m, v });
        const decoded = states.decode(values) as Moments;
        const expected = decoded.v.filter((x, i) => x === 0 && decoded.m[i] !== 0).length;
        expect(states.countLost?.(values)).toBe(expected);
      }),
      { numRuns: 20, seed: 3 },
    );
  });
});

describe('a look at weights', () => {
  const optimizer = new Optimizer('adamw', parameters);

  it('tells those that have moved further than AdamW can move them', async () => {
    const watch = started();
    for (let i = 0; i < 100; i++) watch.step(1e-3);
    const { jumps, rates } = await look(watch, { optimizer, largest: 56 });
    expect(jumps).toEqual([{ tensor: watchedTensor, from: 0.5, to: 56 }]);
    expect(rates).toBeCloseTo(0.1, 12);
    // It is where it is: told once.
    expect((await look(watch, { optimizer, largest: 56 })).jumps).toEqual([]);
  });

  it('tells nothing of weights that may have got there by their learning rates', async () => {
    const watch = started();
    for (let i = 0; i < 100; i++) watch.step(1e-3);
    expect((await look(watch, { optimizer, largest: 0.6 })).jumps).toEqual([]);
    // Rates count from the last look on.
    expect((await look(watch, { optimizer, largest: 0.7 })).jumps.length).toBe(1);
  });

  it('knows how far a step can move a weight: no gradients move one further', () => {
    const numbers = fc.record({
      beta1: fc.double({ min: 0, max: 0.95, noNaN: true }),
      beta2: fc.double({ min: 0.9, max: 0.9999, noNaN: true }),
      gradients: fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 60 }),
      growth: fc.double({ min: 0.5, max: 2, noNaN: true }),
    });
    fc.assert(
      fc.property(numbers, ({ beta1, beta2, gradients, growth }) => {
        let [m, v] = [0, 0];
        for (const [i, g] of gradients.entries()) {
          const scaled = g * growth ** i;
          m = beta1 * m + (1 - beta1) * scaled;
          v = beta2 * v + (1 - beta2) * scaled ** 2;
          const corrected = m / (1 - beta1 ** (i + 1)) / Math.sqrt(v / (1 - beta2 ** (i + 1)) + 1e-300);
          expect(Math.abs(corrected)).toBeLessThanOrEqual(reach({ beta1, beta2 }) * (1 + 1e-9));
        }
      }),
      { numRuns: 300, seed: 5 },
    );
    // Gradients that grow by β2/β1 a step come as near as one likes.
    let [m, v] = [0, 0];
    for (let i = 0; i < 500; i++) {
      const g = (0.95 / 0.9) ** i;
      m = 0.9 * m + 0.1 * g;
      v = 0.95 * v + 0.05 * g * g;
    }
    expect(m / Math.sqrt(v) / reach(betas)).toBeCloseTo(1, 6);
    expect(reach({ beta1: 0.9, beta2: 0.8 })).toBe(Number.POSITIVE_INFINITY);
  });
});

where(describe, [hasCpu, lack.cpu])('a run', () => {
  let device: Device;
  beforeAll(async () => {
    device = await cpu(2).open();
  });

  /** A rate at which queries and keys, whose gradients are far smaller than those of values beside them, soon show harm. */
  const run = (kind: OptimizerKind, lowBitStates: LowBitStates) =>
    smallRun({
      model: { vocabSize: 600, contextLength: 16, nLayer: 1, nHead: 2, nEmbd: 40, dropout: 0 },
      phases: [{ kind: 'constant', steps: 100, from: 5e-3, to: 5e-3 }],
      optimizer: { kind, lowBitStates },
      checkpoints: { every: 25, keepLast: 2 },
    });
  const reported = async (kind: OptimizerKind, states: LowBitStates) =>
    (await train(device, tempDir(), run(kind, states))).events.filter(
      (e) => e.type === 'lostMoments' || e.type === 'weightJump',
    );

  it("tells what the paper's 8-bit moments do to queries and keys", async () => {
    expect((await reported('adamw8bit', 'paper'))[0]).toMatchObject({
      type: 'weightJump',
      step: 25,
      optimizer: 'adamw8bit',
      tensors: [{ tensor: 'h.0.attn.c_attn.weight' }],
    });
  });

  it.each(optimizerKinds)('has nothing to tell with %s and stable moments', async (kind) => {
    expect(await reported(kind, 'stable')).toEqual([]);
  });
});
