import type { Device, Session } from '../devices/device.ts';
import { type OpTime, Profile } from '../devices/profile.ts';
import { type Inputs, scalarCount } from '../gpt2/inputs.ts';
import { InFlight } from '../devices/inFlight.ts';
import type { ModelConfig } from '../gpt2/config.ts';
import { Gpt2 } from '../gpt2/programs.ts';
import type { OptimizerKind } from '../optimizers/index.ts';
import { modelFlopsPerToken } from '../program/cost.ts';
import { plan } from '../program/planner.ts';
import type { Precision, Program } from '../program/types.ts';
import { initialise } from '../trainer/initialise.ts';
import { median } from './median.ts';

export interface StepResult {
  readonly batch: number;
  readonly time: number;
  readonly precision: Precision;
  readonly optimizer: OptimizerKind;
  /** Of the step. */
  readonly microBatches: number;
  /** Median seconds of a micro-batch, forward and backward. */
  readonly microSeconds: number;
  /** Median seconds of clipping and the optimizer. */
  readonly updateSeconds: number;
  /** Of the whole step, the sum of both. */
  readonly seconds: number;
  /** Model FLOPs of the step: 6 per weight and token, and attention. */
  readonly modelFlops: number;
  readonly plannedBytes: number;
  /** Planned in the host's memory. */
  readonly pagedBytes: number;
  /** By how much less of the device's memory was free while it trained, where the device can tell. */
  readonly heldBytes?: number;
  readonly allocatedBytes: number;
  /** By kind of op, all steps together, the slowest first. */
  readonly steps: number;
  readonly ops: readonly OpTime[];
}

/** GPT-2 124M (Radford et al. 2019). */
export const gpt2: ModelConfig = {
  vocabSize: 50257,
  contextLength: 1024,
  nLayer: 12,
  nHead: 12,
  nEmbd: 768,
  dropout: 0,
};
const settings = { recompute: 'none', gradClip: 1, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 } as const;

export interface StepBench {
  readonly model: ModelConfig;
  readonly batch: number;
  readonly time: number;
  readonly precision: Precision;
  /** Default: `adamw`. */
  readonly optimizer?: OptimizerKind;
  /** Of a step. Default: 1. */
  readonly microBatches?: number;
}

/** Times training steps: micro-batches, and the update behind them. */
export async function benchStep(device: Device, bench: StepBench, repetitions: number): Promise<StepResult> {
  const { model: config, batch, time, precision, optimizer = 'adamw', microBatches = 1 } = bench;
  const model = new Gpt2(config, precision);
  const training = model.training({ ...settings, optimizer, batch, time });
  const { first, further, update } = training;
  const all = [first, ...(microBatches > 1 ? [further] : []), update, model.castWeights];
  const memory = plan(all);
  const before = device.memory?.().freeBytes;
  const session = await device.load(all, memory);
  try {
    await initialise(session, model, 1);
    writeInputs(session, training.inputs, bench);
    const profile = new Profile();
    // The usual micro-batch of a step adds to what is there.
    const micro = microBatches > 1 ? further : first;
    const timer = new StepTimer(session, profile, micro, update);
    for (const program of new Set([first, micro, update])) await session.run(program);
    for (let i = 0; i < repetitions; i++) await timer.measure();
    const [microSeconds, updateSeconds] = [median(timer.micro), median(timer.update)];
    return {
      batch,
      time,
      precision,
      optimizer,
      microBatches,
      microSeconds,
      updateSeconds,
      seconds: microBatches * microSeconds + updateSeconds,
      modelFlops: microBatches * batch * time * modelFlopsPerToken(config, time),
      plannedBytes: memory.totalBytes,
      pagedBytes: memory.hostBytes,
      allocatedBytes: session.allocatedBytes(),
      ...(before === undefined ? {} : { heldBytes: before - device.memory!().freeBytes }),
      steps: repetitions,
      ops: profile.byKind(),
    };
  } finally {
    session.close();
  }
}

function writeInputs(session: Session, inputs: Inputs, { model, batch, time, microBatches = 1 }: StepBench): void {
  const token = (_: unknown, i: number) => (i * 7919) % model.vocabSize;
  session.write(inputs.tokens, Int32Array.from({ length: batch * time }, token));
  session.write(
    inputs.targets,
    Int32Array.from({ length: batch * time }, (_, i) => token(_, i + 1)),
  );
  const scalars = new Float32Array(scalarCount);
  scalars.set([1e-4, 10, 20, 1, 1 / (microBatches * batch * time)]);
  session.write(inputs.scalars, scalars);
}

/** Micro-batches that are timed in a row, where a device takes one behind the other. */
const inARow = 4;

/** Seconds of one micro-batch and of one update, measurement by measurement. */
class StepTimer {
  readonly micro: number[] = [];
  readonly update: number[] = [];
  readonly #session: Session;
  readonly #profile: Profile;
  readonly #programs: { readonly micro: Program; readonly update: Program };

  constructor(session: Session, profile: Profile, micro: Program, update: Program) {
    this.#session = session;
    this.#profile = profile;
    this.#programs = { micro, update };
  }

  async measure(): Promise<void> {
    const { micro, update } = this.#programs;
    if (!this.#session.queues) {
      this.micro.push(await this.#run([micro], true));
      this.update.push(await this.#run([update], true));
      return;
    }
    this.micro.push((await this.#run(Array<Program>(inARow).fill(micro), false)) / inARow);
    this.update.push(await this.#run([update], false));
    // Where calls take their turn on a device of its own, timing each holds them up.
    await this.#run([micro, update], true);
  }

  async #run(programs: readonly Program[], timesCalls: boolean): Promise<number> {
    const start = performance.now();
    const inFlight = new InFlight(this.#session);
    for (const p of programs) {
      await inFlight.room();
      inFlight.add(this.#session.run(p, timesCalls ? this.#profile.timesOf(p) : undefined));
    }
    await inFlight.ended();
    return (performance.now() - start) / 1000;
  }
}
