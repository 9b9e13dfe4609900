import type { Device } from '../devices/device.ts';
import type { ModelConfig } from '../models/index.ts';
import type { OptimizerKind } from '../optimizers/index.ts';
import type { Precision } from '../program/types.ts';
import { Trial } from './trial.ts';

/** So wide that the moments of most of its matrices are kept in 8 and 4 bits, where the optimizer does. */
const small: ModelConfig = { vocabSize: 257, contextLength: 64, nLayer: 2, nHead: 2, nEmbd: 64, dropout: 0 };

export interface TrainedBothOptions {
  readonly model?: ModelConfig;
  readonly batch?: number;
  readonly steps?: number;
  /** Whether the tested device rounds factors of float32 products to 10 bits. */
  readonly tf32?: boolean;
}

export interface TrainedBoth {
  readonly precision: Precision;
  readonly optimizer: OptimizerKind;
  readonly losses: readonly number[];
  readonly expected: readonly number[];
  /** Largest difference of two losses, relative. */
  readonly difference: number;
  /** The contract's 1e-4 for float32; what rounded factors differ by in 20 steps was 3e-4 at most: 1e-2. */
  readonly limit: number;
  readonly ok: boolean;
}

/** Trains the same small model for some steps on two devices. */
export async function trainBoth(
  tested: Device,
  reference: Device,
  { precision, optimizer }: { readonly precision: Precision; readonly optimizer: OptimizerKind },
  { model = small, batch = 2, steps = 20, tf32 = false }: TrainedBothOptions = {},
): Promise<TrainedBoth> {
  const trial = new Trial({ model, precision, optimizer, batch });
  const losses = await train(tested, trial, steps);
  const expected = await train(reference, trial, steps);
  // Of what is no number nothing is the same.
  const difference = losses.reduce((max, loss, i) => {
    const d = Math.abs(loss / expected[i]! - 1);
    return d <= max ? max : Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
  }, 0);
  const limit = precision === 'f32' && !tf32 ? 1e-4 : 1e-2;
  return { precision, optimizer, losses, expected, difference, limit, ok: difference <= limit };
}

async function train(device: Device, trial: Trial, steps: number): Promise<number[]> {
  const session = await trial.begin(device);
  try {
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) losses.push(await trial.step(session, i));
    return losses;
  } finally {
    session.close();
  }
}
