import { sourceName } from '../../data/sampling/mix.ts';
import type { Session } from '../devices/device.ts';
import { InFlight } from '../devices/inFlight.ts';
import type { Profile } from '../devices/profile.ts';
import type { Inputs } from '../models/inputs.ts';
import { scalarCount, scalarIndex, statIndex } from '../ops/scalars.ts';
import type { Program } from '../program/types.ts';
import type { Batch } from './batch.ts';
import type { RunConfig } from './config.ts';
import type { TrainingData, Window } from './data.ts';
import type { RunPrograms } from './programs.ts';

/** What of a run's config a step is taken by. */
type StepConfig = Pick<RunConfig, 'tokensPerStep' | 'optimizer' | 'model' | 'seed'>;

export interface StepResult {
  /** Of all its tokens, in nats; not scaled. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;
  /** The gradient was not finite, and weights and states are as they were. */
  readonly skipped: boolean;
  /** Milliseconds since the step before had ended, where nothing else was done since; else since this one was started. */
  readonly ms: number;
}

/**
 * Takes optimizer steps on a session: `start`, a `microBatch` for each part, `update`, `result`. On a device that queues,
 * a step's first micro-batch is put behind the step before, whose result then travels to the host and is looked at while
 * the device has something to do.
 */
export class Stepper {
  readonly #session: Session;
  readonly #programs: Pick<RunPrograms, 'training' | 'batch'>;
  readonly #data: Pick<TrainingData, 'open'>;
  readonly #config: StepConfig;
  readonly #profile: Profile | undefined;
  readonly #inFlight: InFlight;
  /** The step whose first micro-batch has been begun. */
  #firstQueued: Batch | undefined;
  #started = 0;
  /** When the step before had ended, where the run has done nothing else since. */
  #ended: number | undefined;

  constructor(
    session: Session,
    programs: Pick<RunPrograms, 'training' | 'batch'>,
    data: Pick<TrainingData, 'open'>,
    config: StepConfig,
    profile?: Profile,
  ) {
    this.#session = session;
    this.#programs = programs;
    this.#data = data;
    this.#config = config;
    this.#profile = profile;
    this.#inFlight = new InFlight(session);
  }

  /** Starts a step. @returns how many of its sequences are on the device already */
  async start(batch: Batch): Promise<number> {
    this.#started = this.#ended ?? performance.now();
    const isStarted = this.#firstQueued !== undefined && this.#startsAlike(this.#firstQueued, batch);
    if (!isStarted) await this.settle();
    this.#firstQueued = undefined;
    this.#writeScalars(batch);
    return isStarted ? this.#programs.batch : 0;
  }

  /** Trains on the micro-batch whose first sequence is the `at`-th of a step. */
  async microBatch(batch: Batch, at: number): Promise<void> {
    await this.#microBatch(batch, at, this.#read(batch, at));
  }

  /** Changes the weights by what the micro-batches gave. */
  async update(): Promise<void> {
    await this.#inFlight.room();
    this.#inFlight.add(this.#run(this.#programs.training.update));
    if (!this.#session.queues) await this.#inFlight.ended();
  }

  /**
   * What a step gave.
   * @param next says which step follows, as far as one can know while this one runs: where another is started, or none,
   *   what was begun of it is dropped
   */
  async result(next: () => Batch | undefined): Promise<StepResult> {
    const { lossTotal, stats } = this.#programs.training;
    const fetched = this.#session.fetch([lossTotal, stats]);
    fetched.catch(() => {}); // it is awaited below
    if (this.#session.queues) await this.#begin(next());
    await this.#inFlight.ended(this.#firstQueued ? 1 : 0);
    const [total, values] = await fetched;
    this.#ended = performance.now();
    return {
      loss: total![0]! / this.#config.tokensPerStep,
      gradNorm: values![statIndex.gradNorm]!,
      skipped: values![statIndex.nonFinite] !== 0,
      ms: this.#ended - this.#started,
    };
  }

  /** Before anything else uses the session, or nothing is done. */
  async rest(): Promise<void> {
    this.#ended = undefined;
    await this.settle();
  }

  /** Drops what was begun. */
  async settle(): Promise<void> {
    this.#firstQueued = undefined;
    // What it failed of is nobody's business, or is met again: a GPU that has failed fails in all that follows.
    await this.#inFlight.ended().catch(() => {});
  }

  async #begin(next: Batch | undefined): Promise<void> {
    if (!next) return;
    let windows: readonly Window[];
    try {
      windows = this.#read(next, 0);
    } catch {
      return; // that its data can't be read is told when it is started
    }
    // A micro-batch reads the loss scale alone; the rest is written again with the update.
    this.#writeScalars(next);
    await this.#microBatch(next, 0, windows);
    this.#firstQueued = next;
  }

  #read({ sequences }: Batch, at: number): readonly Window[] {
    return sequences.slice(at, at + this.#programs.batch).map(({ source, n }) => this.#data.open(source).read(n));
  }

  async #microBatch(batch: Batch, at: number, windows: readonly Window[]): Promise<void> {
    const { training } = this.#programs;
    await this.#inFlight.room();
    writeWindows(this.#session, training.inputs, this.#config, windows, batch.sampled + at);
    this.#inFlight.add(this.#run(at === 0 ? training.first : training.further));
  }

  /** Whether the first micro-batches of two steps are the same. */
  #startsAlike(a: Batch, b: Batch): boolean {
    const { batch } = this.#programs;
    const named = ({ sequences }: Batch) =>
      sequences.slice(0, batch).map(({ source, n }) => `${sourceName(source)} ${n}`);
    const [of, other] = [named(a), named(b)];
    return a.lossScale === b.lossScale && a.sampled === b.sampled && of.every((name, i) => name === other[i]);
  }

  #writeScalars({ learningRate, update, lossScale }: Batch): void {
    writeScalars(this.#session, this.#programs.training.inputs, this.#config, learningRate, update, lossScale);
  }

  #run(program: Program): Promise<void> {
    return this.#session.run(program, this.#profile?.timesOf(program));
  }
}

/** Writes what changes from step to step: the learning rate, the loss scale and the bias corrections of the `t`-th update. */
export function writeScalars(
  session: Session,
  inputs: Inputs,
  config: Pick<RunConfig, 'tokensPerStep'> & { readonly optimizer: Pick<RunConfig['optimizer'], 'beta1' | 'beta2'> },
  learningRate: number,
  t: number,
  lossScale: number,
): void {
  const { beta1, beta2 } = config.optimizer;
  const scalars = new Float32Array(scalarCount);
  scalars[scalarIndex.learningRate] = learningRate;
  scalars[scalarIndex.biasCorrection1] = 1 / (1 - beta1 ** t);
  scalars[scalarIndex.biasCorrection2] = 1 / (1 - beta2 ** t);
  scalars[scalarIndex.lossScale] = lossScale;
  scalars[scalarIndex.lossGradient] = lossScale / config.tokensPerStep;
  session.write(inputs.scalars, scalars);
}

const dropoutKey = 0x64726f70;

/**
 * Writes a micro-batch: tokens, targets, and what dropout draws from.
 * @param windows one for each of its rows
 * @param sampled sequences that the run has taken from any source before
 */
function writeWindows(
  session: Session,
  inputs: Inputs,
  { seed, model }: StepConfig,
  windows: readonly Window[],
  sampled: number,
): void {
  const batch = inputs.tokens.shape[0]!;
  const tokens = new Int32Array(batch * model.contextLength);
  const targets = new Int32Array(batch * model.contextLength);
  for (const [row, window] of windows.entries()) {
    tokens.set(window.inputs, row * model.contextLength);
    targets.set(window.targets, row * model.contextLength);
  }
  session.write(inputs.tokens, tokens);
  session.write(inputs.targets, targets);
  if (model.dropout === 0) return;
  // Another key than that of the weights: what is dropped first must not follow from what was drawn for them.
  const seedHigh = Math.floor(seed / 2 ** 32) ^ dropoutKey;
  session.write(inputs.rng, Int32Array.of(seed | 0, seedHigh, sampled | 0, Math.floor(sampled / 2 ** 32) | 0));
}
