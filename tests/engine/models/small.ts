import type { Device, Session } from '../../../electron/engine/devices/device.ts';
import type { ModelConfig } from '../../../electron/engine/models/index.ts';
import { scalarIndex } from '../../../electron/engine/ops/scalars.ts';
import type { Parameters } from '../../../electron/engine/models/parameters.ts';
import { Model, type Training, type TrainingSettings } from '../../../electron/engine/models/programs.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { elements, type Precision } from '../../../electron/engine/program/types.ts';
import { Random } from '../random.ts';
import { stepScalars } from './golden.ts';

/** A model whose sizes are no multiples of anything. */
export const smallConfig: ModelConfig = {
  vocabSize: 61,
  contextLength: 13,
  nLayer: 2,
  nHead: 3,
  nEmbd: 21,
  dropout: 0,
};

const settings = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, gradClip: 1 };

export type Weights = ReadonlyMap<string, Float32Array>;

/** Weights large enough for every part of the model to matter. */
export function randomWeights(parameters: Parameters, seed = 1): Weights {
  const random = new Random(seed);
  return new Map(
    parameters.all.map(({ spec }) => {
      const values = random.normals(elements(spec.shape), 0.15);
      if (spec.init.kind === 'ones') for (let i = 0; i < values.length; i++) values[i]! += 1;
      return [spec.name, values];
    }),
  );
}

export function write(session: Session, parameters: Parameters, weights: Weights): void {
  for (const { spec, value } of parameters.all) session.write(value, weights.get(spec.name)!);
}

/** Sequences of tokens and their targets. */
export interface Batch {
  readonly tokens: Int32Array;
  readonly targets: Int32Array;
}

export function randomBatch(config: ModelConfig, batch: number, seed = 2): Batch {
  const random = new Random(seed);
  const n = batch * config.contextLength;
  return {
    tokens: random.integers(n, 0, config.vocabSize - 1),
    targets: random.integers(n, 0, config.vocabSize - 1),
  };
}

/** The batch cut into parts of equal size. */
export function cut({ tokens, targets }: Batch, parts: number): Batch[] {
  const n = tokens.length / parts;
  return Array.from({ length: parts }, (_, i) => ({
    tokens: tokens.slice(i * n, (i + 1) * n),
    targets: targets.slice(i * n, (i + 1) * n),
  }));
}

/** A session that holds a small model's training programs and weights. */
export interface Trained {
  readonly model: Model;
  readonly training: Training;
  readonly session: Session;
  /** d(loss) / d(one token's loss), where it is not that of the mean. */
  readonly lossGradient: number | undefined;
}

export async function trainingSession(
  device: Device,
  config: ModelConfig,
  batch: number,
  recompute: TrainingSettings['recompute'] = 'none',
  { precision, lossGradient }: { precision?: Precision; lossGradient?: number } = {},
): Promise<Trained> {
  const model = new Model(config, precision);
  const training = model.training({ ...settings, batch, time: config.contextLength, recompute });
  const programs = [...training.programs, model.castWeights];
  const session = await device.load(programs, plan(programs));
  write(session, model.parameters, randomWeights(model.parameters));
  await session.run(model.castWeights);
  session.write(training.inputs.rng, Int32Array.of(17, -3, 5, 0));
  return { model, training, session, lossGradient };
}

/** Takes the gradient of the mean loss over some micro-batches. @returns the sum of the losses, and all gradients */
export async function gradients({ model, training, session, lossGradient }: Trained, batches: readonly Batch[]) {
  const targets = batches.reduce((n, b) => n + b.targets.length, 0);
  const scalars = stepScalars(1, 1e-3, [0.9, 0.95], targets);
  if (lossGradient !== undefined) scalars[scalarIndex.lossGradient] = lossGradient;
  session.write(training.inputs.scalars, scalars);
  for (const [i, b] of batches.entries()) {
    session.write(training.inputs.tokens, b.tokens);
    session.write(training.inputs.targets, b.targets);
    await session.run(i === 0 ? training.first : training.further);
  }
  const all = model.parameters.all.map((p) => [p.spec.name, session.read(p.gradient).slice() as Float32Array] as const);
  return { total: session.read(training.lossTotal)[0]!, gradients: new Map(all) };
}
