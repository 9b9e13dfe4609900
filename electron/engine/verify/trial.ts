import { type Device, type HostArray, hostArray, type Session } from '../devices/device.ts';
import type { ModelConfig } from '../models/index.ts';
import { Model, type Training } from '../models/programs.ts';
import { defaultNumbers, type OptimizerKind } from '../optimizers/index.ts';
import { type Plan, plan } from '../program/planner.ts';
import type { Buffer, Precision, Program } from '../program/types.ts';
import { writeScalars } from '../run/step.ts';
import { initialValues } from '../run/initialize.ts';

export interface TrialOptions {
  readonly model: ModelConfig;
  readonly precision: Precision;
  readonly optimizer: OptimizerKind;
  readonly batch: number;
  /** Tokens of a sequence. Default: the model's context. */
  readonly time?: number;
}

/** A token of some text; some occur often, as in text. */
export const tokenAt = (i: number, vocabSize: number): number => (i % 3 === 0 ? i % 7 : (i * 7919) % vocabSize);

/** Drawing the weights of a large model takes longer than a step of it. */
const sampled = new WeakMap<ModelConfig, Float32Array[]>();

function weightsOf(model: Model): readonly Float32Array[] {
  let weights = sampled.get(model.config);
  if (!weights) {
    weights = model.parameters.all.map(({ spec }, index) => initialValues(spec, index, 1));
    sampled.set(model.config, weights);
  }
  return weights;
}

/** A training of a few steps to look at a device by: two micro-batches and an update each, on text that is made up. */
export class Trial {
  readonly training: Training;
  readonly programs: readonly Program[];
  readonly plan: Plan;
  readonly #model: Model;
  readonly #options: TrialOptions;
  readonly #time: number;

  constructor(options: TrialOptions) {
    const { model, precision, optimizer, batch, time = model.contextLength } = options;
    this.#options = options;
    this.#time = time;
    this.#model = new Model(model, precision);
    this.training = this.#model.training({ ...defaultNumbers, optimizer, batch, time, recompute: 'none' });
    this.programs = [...this.training.programs, this.#model.castWeights];
    this.plan = plan(this.programs);
  }

  /** All that a step leaves to the next: parameters and moments. */
  get state(): readonly Buffer[] {
    const values = this.#model.parameters.all.map((p) => p.value);
    return [...values, ...this.training.optimizer.tensors.map((t) => t.buffer)];
  }

  /** Loads the programs, with weights as they are drawn. */
  async begin(device: Device): Promise<Session> {
    const { parameters } = this.#model;
    const weights = weightsOf(this.#model);
    return this.#load(device, (session) => {
      for (const [i, { value }] of parameters.all.entries()) session.write(value, weights[i]!);
    });
  }

  /** Loads the programs, with what another session was left with. */
  resume(device: Device, state: ReadonlyMap<Buffer, HostArray>): Promise<Session> {
    return this.#load(device, (session) => {
      for (const [buffer, value] of state) session.write(buffer, value);
    });
  }

  async #load(device: Device, fill: (session: Session) => void): Promise<Session> {
    const session = await device.load(this.programs, this.plan);
    try {
      fill(session);
      await session.run(this.#model.castWeights);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** @returns the state as it is now, in memory of its own */
  read(session: Session): Map<Buffer, HostArray> {
    return new Map(this.state.map((buffer) => [buffer, session.read(buffer, hostArray(buffer))]));
  }

  /** One step, the first is number 0. @returns its mean loss, nats a token */
  async step(session: Session, number: number): Promise<number> {
    const { first, further, update, inputs, lossTotal } = this.training;
    const { batch, precision } = this.#options;
    const tokensPerStep = 2 * batch * this.#time;
    const lossScale = precision === 'f16' ? 1024 : 1;
    writeScalars(session, inputs, { optimizer: defaultNumbers, tokensPerStep }, 1e-3, number + 1, lossScale);
    for (const [i, program] of [first, further].entries()) {
      this.#writeMicroBatch(session, 2 * number + i);
      await session.run(program);
    }
    await session.run(update);
    return session.read(lossTotal)[0]! / tokensPerStep;
  }

  #writeMicroBatch(session: Session, number: number): void {
    const { batch, model } = this.#options;
    const length = batch * this.#time;
    const tokens = Int32Array.from({ length: length + 1 }, (_, i) => tokenAt(i + 31 * number, model.vocabSize));
    session.write(this.training.inputs.tokens, tokens.slice(0, -1));
    session.write(this.training.inputs.targets, tokens.slice(1));
    if (model.dropout > 0) session.write(this.training.inputs.rng, Int32Array.of(1, 2, number, 0));
  }
}
