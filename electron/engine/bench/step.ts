import type { Device, DeviceMemoryUse, Session } from '../devices/device.ts';
import { moduleReserve } from '../devices/gpu.ts';
import { type OpTime, Profile } from '../devices/profile.ts';
import { formatBytes } from '../../base/format.ts';
import type { Inputs } from '../models/inputs.ts';
import { InFlight } from '../devices/inFlight.ts';
import type { ModelConfig } from '../models/index.ts';
import { Model } from '../models/programs.ts';
import { modelFlopsPerToken } from '../models/index.ts';
import { defaultNumbers, defaultOptimizer, type LowBitStates, type OptimizerKind } from '../optimizers/index.ts';
import { plan } from '../program/planner.ts';
import type { Recompute } from '../program/recorder.ts';
import type { Precision, Program } from '../program/types.ts';
import { writeScalars } from '../run/step.ts';
import { initialize } from '../run/initialize.ts';
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
  /** The fastest and the slowest of them. */
  readonly microSecondsRange: readonly [number, number];
  /** Median seconds of clipping and the optimizer. */
  readonly updateSeconds: number;
  /** Of the whole step, the sum of both. */
  readonly seconds: number;
  /** Model FLOPs of the step: 6 per weight and token, and attention. */
  readonly modelFlops: number;
  readonly plannedBytes: number;
  /** Planned in the host's memory. */
  readonly pagedBytes: number;
  /** What was held of the device's memory while it trained, where the device can tell. */
  readonly memory?: HeldMemory;
  readonly allocatedBytes: number;
  /** By kind of op, all steps together, the slowest first. */
  readonly steps: number;
  readonly ops: readonly OpTime[];
}

/** What a training step holds of a device's memory. */
export interface HeldMemory {
  /** Of arenas, as the device counts them. */
  readonly arenaBytes: number;
  /** Of the driver, kernels and recorded programs, as it was when all was loaded and nothing had run yet. */
  readonly overheadBytes: number;
  /** What of it came with programs: kernels, and recordings. */
  readonly moduleBytes: number;
  /** All that the process held when the last step had been trained. */
  readonly processBytes: number;
  /** By the driver's count of this process; else by what was free of the GPU, which is other programs' matter, too. */
  readonly isByDriver: boolean;
  /** By how much less of the memory was free then than before anything was loaded. */
  readonly heldBytes: number;
}

/** A step whose plan is larger than what is free. */
export class DoesNotFit extends Error {
  readonly missingBytes: number;

  constructor(neededBytes: number, freeBytes: number) {
    const missingBytes = neededBytes - freeBytes;
    const [needed, free, missing] = [neededBytes, freeBytes, missingBytes].map(formatBytes);
    super(`it does not fit: its plan needs ${needed}, ${free} are free, ${missing} too little`);
    this.missingBytes = missingBytes;
  }
}

/** GPT-2 124M (Radford et al. 2019). */
export const smallGpt: ModelConfig = {
  vocabSize: 50257,
  contextLength: 1024,
  nLayer: 12,
  nHead: 12,
  nEmbd: 768,
  dropout: 0,
};

export interface StepBench {
  readonly model: ModelConfig;
  readonly batch: number;
  readonly time: number;
  readonly precision: Precision;
  /** Default: `defaultOptimizer`. */
  readonly optimizer?: OptimizerKind;
  /** Of a step. Default: 1. */
  readonly microBatches?: number;
  /** Default: `none`. */
  readonly recompute?: Recompute;
  /** Default: `stable`. */
  readonly lowBitStates?: LowBitStates;
}

/** Whether a step is to be timed once more. @param rounds that were @param seconds since the first began */
export type More = (rounds: number, seconds: number) => boolean;

/**
 * Times training steps: micro-batches, and the update behind them.
 * @throws DoesNotFit before anything is loaded
 */
export async function benchStep(device: Device, bench: StepBench, repetitions: number | More): Promise<StepResult> {
  const { model: config, batch, time, precision, optimizer = defaultOptimizer, microBatches = 1 } = bench;
  const { recompute = 'none', lowBitStates = 'stable' } = bench;
  const more: More = typeof repetitions === 'number' ? (rounds) => rounds < repetitions : repetitions;
  const model = new Model(config, precision);
  const training = model.training({ ...defaultNumbers, recompute, optimizer, lowBitStates, batch, time });
  const { first, further, update } = training;
  const all = [first, ...(microBatches > 1 ? [further] : []), update, model.castWeights];
  const memory = plan(all);
  const before = device.memory?.();
  const room = before ? Math.max(0, before.freeBytes - moduleReserve) : 0;
  if (before && memory.totalBytes > room) throw new DoesNotFit(memory.totalBytes, room);
  const session = await device.load(all, memory);
  const loaded = device.memory?.();
  const overheadBytes = device.overheadBytes();
  try {
    await initialize(session, model, 1);
    writeInputs(session, training.inputs, bench);
    const profile = new Profile();
    // The usual micro-batch of a step adds to what is there.
    const micro = microBatches > 1 ? further : first;
    const timer = new StepTimer(session, profile, micro, update);
    for (const program of new Set([first, micro, update])) await session.run(program);
    const start = performance.now();
    let rounds = 0;
    do {
      await timer.measure();
      rounds++;
    } while (more(rounds, (performance.now() - start) / 1000));
    const [microSeconds, updateSeconds] = [median(timer.micro), median(timer.update)];
    return {
      batch,
      time,
      precision,
      optimizer,
      microBatches,
      microSeconds,
      updateSeconds,
      microSecondsRange: [Math.min(...timer.micro), Math.max(...timer.micro)],
      seconds: microBatches * microSeconds + updateSeconds,
      modelFlops: microBatches * batch * time * modelFlopsPerToken(config, time),
      plannedBytes: memory.totalBytes,
      pagedBytes: memory.hostBytes,
      allocatedBytes: session.allocatedBytes(),
      ...(before && loaded ? { memory: heldMemory(device, before, loaded, overheadBytes) } : {}),
      steps: rounds,
      ops: profile.byKind(),
    };
  } finally {
    session.close();
  }
}

function heldMemory(
  device: Device,
  before: DeviceMemoryUse,
  loaded: DeviceMemoryUse,
  overheadBytes: number,
): HeldMemory {
  const now = device.memory!();
  const arenaBytes = now.arenaBytes - before.arenaBytes;
  // Since all was loaded, beside arenas.
  const takenBytes = loaded.freeBytes + loaded.arenaBytes - now.freeBytes - now.arenaBytes;
  return {
    arenaBytes,
    overheadBytes,
    moduleBytes: loaded.moduleBytes,
    processBytes: now.processBytes ?? overheadBytes + takenBytes + arenaBytes,
    isByDriver: now.processBytes !== undefined,
    heldBytes: before.freeBytes - now.freeBytes,
  };
}

function writeInputs(session: Session, inputs: Inputs, { model, batch, time, microBatches = 1 }: StepBench): void {
  const token = (_: unknown, i: number) => (i * 7919) % model.vocabSize;
  session.write(inputs.tokens, Int32Array.from({ length: batch * time }, token));
  session.write(
    inputs.targets,
    Int32Array.from({ length: batch * time }, (_, i) => token(_, i + 1)),
  );
  const tokensPerStep = microBatches * batch * time;
  writeScalars(session, inputs, { optimizer: defaultNumbers, tokensPerStep }, 1e-4, 1, 1);
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
    // Where calls take their turn on a device of its own, timing each holds them up. They come behind something that keeps
    // the device busy for a while: else the host's time to put a short call there would be taken for the call's.
    await this.#run([micro, update], true, micro);
  }

  async #run(programs: readonly Program[], timesCalls: boolean, ahead?: Program): Promise<number> {
    const start = performance.now();
    const inFlight = new InFlight(this.#session);
    if (ahead) inFlight.add(this.#session.run(ahead));
    for (const p of programs) {
      await inFlight.room();
      inFlight.add(this.#session.run(p, timesCalls ? this.#profile.timesOf(p) : undefined));
    }
    await inFlight.ended();
    return (performance.now() - start) / 1000;
  }
}
