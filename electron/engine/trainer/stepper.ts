import { sourceName } from '../../data/mix.ts';
import type { RunConfig } from '../config.ts';
import type { Session } from '../devices/device.ts';
import { InFlight } from '../devices/inFlight.ts';
import type { Profile } from '../devices/profile.ts';
import { statIndex } from '../gpt2/inputs.ts';
import type { Program } from '../program/types.ts';
import type { Drawn } from './draw.ts';
import { writeBatch, writeScalars } from './feed.ts';
import type { RunPrograms } from './programs.ts';
import type { TrainingData, Window } from './windows.ts';

/** All that an optimizer step is made from, beside weights and states. */
export interface StepInputs {
  readonly learningRate: number;
  /** Which update it is, from 1. */
  readonly update: number;
  readonly lossScale: number;
  /** In their order; as many as a step has. */
  readonly sequences: readonly Drawn[];
  /** Sequences that the run took before. */
  readonly drawn: number;
}

export interface StepResult {
  /** Of all its tokens, in nats; not scaled. */
  readonly loss: number;
  readonly gradNorm: number;
  /** The gradient was not finite, and weights and states are as they were. */
  readonly skipped: boolean;
}

/**
 * Takes optimizer steps on a session. On a device that queues, a step's first micro-batch is put behind the step before,
 * whose result then travels to the host and is looked at while the device has something to do.
 */
export class Stepper {
  readonly #session: Session;
  readonly #programs: Pick<RunPrograms, 'training' | 'batch'>;
  readonly #training: TrainingData;
  readonly #profile: Profile | undefined;
  readonly #inFlight: InFlight;
  /** Of the step whose first micro-batch has been begun. */
  #begun: StepInputs | undefined;

  constructor(
    session: Session,
    programs: Pick<RunPrograms, 'training' | 'batch'>,
    training: TrainingData,
    profile?: Profile,
  ) {
    this.#session = session;
    this.#programs = programs;
    this.#training = training;
    this.#profile = profile;
    this.#inFlight = new InFlight(session);
  }

  /**
   * Takes a step.
   * @param next says which step follows, as far as one can know while this one runs: where another is asked for, or none,
   *   what was begun of it is dropped
   */
  async take(
    config: RunConfig,
    step: StepInputs,
    next: () => StepInputs | undefined = () => undefined,
  ): Promise<StepResult> {
    const { training, batch } = this.#programs;
    const isBegun = this.#begun !== undefined && this.#beginsAlike(this.#begun, step);
    if (!isBegun) await this.settle();
    this.#begun = undefined;
    this.#writeScalars(config, step);
    for (let at = isBegun ? batch : 0; at < step.sequences.length; at += batch)
      await this.#microBatch(config, step, at, this.#read(step, at));
    await this.#inFlight.room();
    this.#inFlight.add(this.#run(training.update));
    if (!this.#session.queues) await this.#inFlight.ended();
    const result = this.#session.fetch([training.lossTotal, training.stats]);
    result.catch(() => {}); // it is awaited below
    if (this.#session.queues) await this.#begin(config, next());
    await this.#inFlight.ended(this.#begun ? 1 : 0);
    const [total, stats] = await result;
    return {
      loss: total![0]! / config.tokensPerStep,
      gradNorm: stats![statIndex.gradNorm]!,
      skipped: stats![statIndex.nonFinite] !== 0,
    };
  }

  /** Drops what was begun. Before anything else uses the session. */
  async settle(): Promise<void> {
    this.#begun = undefined;
    // What it failed of is nobody's business, or is met again: a GPU that has failed fails in all that follows.
    await this.#inFlight.ended().catch(() => {});
  }

  async #begin(config: RunConfig, next: StepInputs | undefined): Promise<void> {
    if (!next) return;
    let windows: readonly Window[];
    try {
      windows = this.#read(next, 0);
    } catch {
      return; // that its data can't be read is told when it is taken
    }
    // A micro-batch reads the loss scale alone; the rest is written again with the update.
    this.#writeScalars(config, next);
    await this.#microBatch(config, next, 0, windows);
    this.#begun = next;
  }

  /** Of the micro-batch whose first sequence is the `at`-th of a step. */
  #read({ sequences }: StepInputs, at: number): readonly Window[] {
    return sequences.slice(at, at + this.#programs.batch).map(({ source, n }) => this.#training.open(source).read(n));
  }

  async #microBatch(config: RunConfig, step: StepInputs, at: number, windows: readonly Window[]): Promise<void> {
    const { training } = this.#programs;
    await this.#inFlight.room();
    writeBatch(this.#session, training.inputs, config, windows, step.drawn + at);
    this.#inFlight.add(this.#run(at === 0 ? training.first : training.further));
  }

  /** Whether the first micro-batches of two steps are the same. */
  #beginsAlike(a: StepInputs, b: StepInputs): boolean {
    const { batch } = this.#programs;
    const named = ({ sequences }: StepInputs) =>
      sequences.slice(0, batch).map(({ source, n }) => `${sourceName(source)} ${n}`);
    const [of, other] = [named(a), named(b)];
    return a.lossScale === b.lossScale && a.drawn === b.drawn && of.every((name, i) => name === other[i]);
  }

  #writeScalars(config: RunConfig, { learningRate, update, lossScale }: StepInputs): void {
    writeScalars(this.#session, this.#programs.training.inputs, config, learningRate, update, lossScale);
  }

  #run(program: Program): Promise<void> {
    return this.#session.run(program, this.#profile?.timesOf(program));
  }
}
