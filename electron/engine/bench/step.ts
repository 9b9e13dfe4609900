import type { CpuDevice } from '../devices/cpu/device.ts';
import { type OpTime, Profile } from '../devices/profile.ts';
import { scalarCount } from '../gpt2/inputs.ts';
import { Gpt2 } from '../gpt2/programs.ts';
import { modelFlopsPerToken } from '../program/cost.ts';
import { plan } from '../program/planner.ts';
import type { Precision } from '../program/types.ts';
import { initialise } from '../trainer/initialise.ts';
import { median } from './median.ts';

export interface StepResult {
  readonly batch: number;
  readonly time: number;
  readonly precision: Precision;
  /** Median seconds of a whole step: forward, backward, clipping and AdamW. */
  readonly seconds: number;
  /** Model FLOPs of the step: 6 per weight and token, and attention. */
  readonly modelFlops: number;
  readonly plannedBytes: number;
  readonly allocatedBytes: number;
  /** By kind of op, all steps together, the slowest first. */
  readonly steps: number;
  readonly ops: readonly OpTime[];
}

const gpt2 = { vocabSize: 50257, contextLength: 1024, nLayer: 12, nHead: 12, nEmbd: 768, dropout: 0 };
const settings = { recompute: 'none', gradClip: 1, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 } as const;

/** Times whole training steps of GPT-2 124M. */
export async function benchStep(
  device: CpuDevice,
  batch: number,
  time: number,
  precision: Precision,
  repetitions: number,
): Promise<StepResult> {
  const model = new Gpt2(gpt2, precision);
  const training = model.training({ ...settings, batch, time });
  const { inputs, first, update } = training;
  const programs = [first, update];
  const all = [...programs, model.castWeights];
  const memory = plan(all);
  const session = await device.load(all, memory);
  await initialise(session, model, 1);
  const token = (_: unknown, i: number) => (i * 7919) % gpt2.vocabSize;
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
  for (let i = 0; i < repetitions; i++) {
    const start = performance.now();
    for (const p of programs) await session.run(p, profile.timesOf(p));
    seconds.push((performance.now() - start) / 1000);
  }
  const allocatedBytes = session.allocatedBytes();
  session.close();
  return {
    batch,
    time,
    precision,
    seconds: median(seconds),
    modelFlops: batch * time * modelFlopsPerToken(gpt2, time),
    plannedBytes: memory.totalBytes,
    allocatedBytes,
    steps: repetitions,
    ops: profile.byKind(),
  };
}
