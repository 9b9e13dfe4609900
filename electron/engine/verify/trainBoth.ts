import type { Device } from '../devices/device.ts';
import type { ModelConfig } from '../gpt2/config.ts';
import { scalarCount } from '../gpt2/inputs.ts';
import { Gpt2 } from '../gpt2/programs.ts';
import { plan } from '../program/planner.ts';
import type { Precision } from '../program/types.ts';
import { initialise } from '../trainer/initialise.ts';

const model: ModelConfig = { vocabSize: 257, contextLength: 64, nLayer: 2, nHead: 2, nEmbd: 64, dropout: 0 };
const numbers = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, gradClip: 1 };
const batch = 4;

export interface TrainedBoth {
  readonly precision: Precision;
  readonly losses: readonly number[];
  readonly expected: readonly number[];
  /** Largest difference of two losses, relative. */
  readonly difference: number;
  /** The contract's 1e-4 for float32; what rounded factors differ by in 20 steps was 3e-4 at most: 1e-2. */
  readonly limit: number;
}

/** Trains the same small model for some steps on two devices. */
export async function trainBoth(
  tested: Device,
  reference: Device,
  precision: Precision,
  { steps = 20, tf32 = false } = {},
): Promise<TrainedBoth> {
  const losses = await train(tested, precision, steps);
  const expected = await train(reference, precision, steps);
  const difference = Math.max(...losses.map((loss, i) => Math.abs(loss / expected[i]! - 1)));
  return { precision, losses, expected, difference, limit: precision === 'f32' && !tf32 ? 1e-4 : 1e-2 };
}

async function train(device: Device, precision: Precision, steps: number): Promise<number[]> {
  const gpt2 = new Gpt2(model, precision);
  const time = model.contextLength;
  const training = gpt2.training({ ...numbers, batch, time, recompute: 'none' });
  const programs = [...training.programs, gpt2.castWeights];
  const session = await device.load(programs, plan(programs));
  try {
    await initialise(session, gpt2, 1);
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) {
      const tokens = Int32Array.from(
        { length: batch * time + 1 },
        (_, n) => ((n + i * 31) * 37 + (n % 5)) % model.vocabSize,
      );
      session.write(training.inputs.tokens, tokens.slice(0, -1));
      session.write(training.inputs.targets, tokens.slice(1));
      const scalars = new Float32Array(scalarCount);
      const scale = precision === 'f16' ? 1024 : 1;
      const corrections = [1 / (1 - numbers.beta1 ** (i + 1)), 1 / (1 - numbers.beta2 ** (i + 1))];
      scalars.set([1e-3, ...corrections, scale, scale / (batch * time)]);
      session.write(training.inputs.scalars, scalars);
      await session.run(training.first);
      await session.run(training.update);
      losses.push(session.read(training.lossTotal)[0]! / (batch * time));
    }
    return losses;
  } finally {
    session.close();
  }
}
