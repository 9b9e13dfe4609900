import type { Device } from '../devices/device.ts';
import { type OpTime, Profile } from '../devices/profile.ts';
import { scalarCount } from '../gpt2/inputs.ts';
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
  /** Median seconds of a whole step: forward, backward, clipping and AdamW. */
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
}

/** Times whole training steps of one micro-batch. */
export async function benchStep(
  device: Device,
  { model: config, batch, time, precision, optimizer = 'adamw' }: StepBench,
  repetitions: number,
): Promise<StepResult> {
  const model = new Gpt2(config, precision);
  const training = model.training({ ...settings, optimizer, batch, time });
  const { inputs, first, update } = training;
  const programs = [first, update];
  const all = [...programs, model.castWeights];
  const memory = plan(all);
  const before = device.freeBytes?.();
  const session = await device.load(all, memory);
  await initialise(session, model, 1);
  const token = (_: unknown, i: number) => (i * 7919) % config.vocabSize;
  session.write(inputs.tokens, Int32Array.from({ length: batch * time }, token));
  session.write(
    inputs.targets,
    Int32Array.from({ length: batch * time }, (_, i) => token(_, i + 1)),
  );
  const scalars = new Float32Array(scalarCount);
  scalars.set([1e-4, 10, 20, 1, 1 / (batch * time)]);
  session.write(inputs.scalars, scalars);

  const profile = new Profile();
  const seconds: number[] = [];
  await session.run(first);
  await session.run(update);
  const runAll = async (timesOf?: (p: Program) => Float64Array) => {
    const start = performance.now();
    const inFlight = new InFlight(session);
    for (const p of programs) {
      await inFlight.room();
      inFlight.add(session.run(p, timesOf?.(p)));
    }
    await inFlight.ended();
    return (performance.now() - start) / 1000;
  };
  for (let i = 0; i < repetitions; i++) {
    // Where calls take their turn on a device of its own, timing each holds them up.
    seconds.push(await runAll(session.queues ? undefined : (p) => profile.timesOf(p)));
    if (session.queues) await runAll((p) => profile.timesOf(p));
  }
  const allocatedBytes = session.allocatedBytes();
  const heldBytes = before === undefined ? undefined : before - (device.freeBytes?.() ?? 0);
  session.close();
  return {
    batch,
    time,
    precision,
    optimizer,
    seconds: median(seconds),
    modelFlops: batch * time * modelFlopsPerToken(config, time),
    plannedBytes: memory.totalBytes,
    pagedBytes: memory.hostBytes,
    allocatedBytes,
    ...(heldBytes === undefined ? {} : { heldBytes }),
    steps: repetitions,
    ops: profile.byKind(),
  };
}
