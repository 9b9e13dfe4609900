import type { Device } from '../devices/device.ts';
import { Generator } from '../use/generator.ts';
import type { ModelConfig } from '../models/index.ts';
import { Model } from '../models/programs.ts';
import { type OptimizerKind, optimizerKinds } from '../optimizers/index.ts';
import { opOf } from '../program/declare.ts';
import { plan } from '../program/planner.ts';
import { type Call, type Precision, precisions } from '../program/types.ts';
import { Scorer } from '../use/scorer.ts';
import { Evaluator } from '../run/evaluator.ts';
import { initialize } from '../run/initialize.ts';
import { comparedDevice, type Comparison } from './comparedDevice.ts';
import { tokenAt, Trial, type TrialOptions } from './trial.ts';

/** A result, how far it is from the reference, and how far it may be. */
export interface Verified extends Comparison {
  readonly limit: number;
  readonly ok: boolean;
}

export interface VerifyOptions {
  /**
   * The shapes that calls have: a layer of each is enough. The first is compared with every optimizer, others only
   * where their shapes make a difference.
   */
  readonly models: readonly ModelConfig[];
  readonly batch: number;
  readonly precisions?: readonly Precision[];
  readonly optimizers?: readonly OptimizerKind[];
  /** Whether the device rounds factors of float32 products to 10 bits. */
  readonly tf32?: boolean;
}

/** Distance of neighbors in a precision, relative to their size. */
const step: Record<Precision, number> = { f32: 2 ** -23, f16: 2 ** -10, bf16: 2 ** -7 };

/**
 * How far a result may be from another device's: sums of float32 are the contract's 2e-5 of the largest magnitude; what
 * is rounded to half precision, or is summed up of what was, may lie one step apart. Codes of moments that lie beside
 * their neighbor's border may tip: one in two hundred.
 */
function limitOf({ call, result }: Comparison, tf32: boolean): number {
  const { dtype } = opOf(call.kind).args[result]!;
  if (dtype === 'u8') return 0.005;
  if (call.precision !== 'f32')
    return dtype === 'real' || call.kind.startsWith('head') ? 1.01 * step[call.precision] : 1e-4;
  return tf32 ? 2 ** -9 : 2e-5;
}

/** How wide the heads of a call of attention are; undefined of other calls. */
export function headDimOf({ kind, dims, attrs }: Call): number | undefined {
  return kind === 'packedAttention' ? dims.width! / attrs.heads! : dims.headDim;
}

/**
 * Compares every call of training, evaluation, reading and writing with another device: each precision, each optimizer,
 * a first and a further micro-batch, with dropout and without.
 * @param report is given each result as it comes
 */
export async function verifyDevice(
  tested: Device,
  reference: Device,
  options: VerifyOptions,
  report: (v: Verified) => void,
): Promise<Verified[]> {
  const all: Verified[] = [];
  const device = comparedDevice(tested, reference, (comparison) => {
    const limit = limitOf(comparison, options.tf32 ?? false);
    const verified = { ...comparison, limit, ok: comparison.difference <= limit };
    all.push(verified);
    report(verified);
  });
  const [first, ...others] = options.optimizers ?? optimizerKinds;
  for (const [i, model] of options.models.entries()) {
    const { contextLength } = model;
    // What differs between optimizers does not depend on the number of tokens: the reference is slow.
    const short = Math.min(512, contextLength);
    for (const [k, precision] of (options.precisions ?? precisions).entries()) {
      const { batch } = options;
      await train(device, { model, batch, precision, optimizer: first! });
      await train(device, { model: { ...model, dropout: 0.1 }, batch, precision, optimizer: first!, time: short });
      if (i === 0 && k === 0) {
        for (const optimizer of others) await train(device, { model, batch, precision, optimizer, time: short });
      }
      await use(device, model, batch, precision);
    }
  }
  return all;
}

async function train(device: Device, options: TrialOptions): Promise<void> {
  const trial = new Trial(options);
  const session = await trial.begin(device);
  try {
    await trial.step(session, 0);
    // Once more: the moments are no longer 0.
    await session.run(trial.training.update);
  } finally {
    session.close();
  }
}

async function use(device: Device, config: ModelConfig, batch: number, precision: Precision): Promise<void> {
  const model = new Model(config, precision);
  const time = config.contextLength;
  const evaluator = new Evaluator(model, batch, time);
  const generator = new Generator(model, Math.min(time, 600));
  const scorer = new Scorer(model, Math.min(256, time));
  const programs = [evaluator.program, ...generator.programs, scorer.program, model.castWeights];
  const session = await device.load(programs, plan(programs));
  try {
    await initialize(session, model, 2);
    const text = (length: number) => Array.from({ length }, (_, i) => tokenAt(i, config.vocabSize));
    const window = { inputs: Int32Array.from(text(time)), targets: Int32Array.from(text(time + 1).slice(1)) };
    await evaluator.meanLoss(session, { count: batch, read: () => window });
    const prompt = text(Math.min(time - 4, 300));
    for await (const _ of generator.generate(session, prompt, {
      temperature: 0,
      topK: 0,
      seed: 1,
      maxTokens: 2,
      endOfText: -1,
    }))
      continue;
    const choices = [1, 2].map((choice) => ({ choice, tokens: text(3 + choice) }));
    await scorer.score(session, [{ question: 0, prompt: prompt.slice(0, 20), choices }]);
  } finally {
    session.close();
  }
}
