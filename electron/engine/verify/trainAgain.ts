import { formatCount } from '../../base/format.ts';
import type { Device, HostArray, Session } from '../devices/device.ts';
import type { ModelConfig } from '../models/index.ts';
import type { OptimizerKind } from '../optimizers/index.ts';
import type { Buffer as ProgramBuffer, Precision } from '../program/types.ts';
import { Trial } from './trial.ts';

/** What differed between two trainings of the same on one device; undefined: nothing, to the bit. */
export interface TrainedAgain {
  readonly precision: Precision;
  readonly optimizer: OptimizerKind;
  /** When trained once more. */
  readonly again: string | undefined;
  /** When trained with a pause: the session closed, and loaded anew with what was read from it. */
  readonly paused: string | undefined;
}

export interface TrainedAgainOptions {
  /** With dropout it has all that a step may draw. */
  readonly model: ModelConfig;
  readonly batch: number;
  /** At least 2: the pause is in the middle. */
  readonly steps: number;
}

/** Trains a model three times on one device and compares losses, parameters and moments bit by bit. */
export async function trainAgain(
  device: Device,
  { precision, optimizer }: { readonly precision: Precision; readonly optimizer: OptimizerKind },
  { model, batch, steps }: TrainedAgainOptions,
): Promise<TrainedAgain> {
  const trial = new Trial({ model, precision, optimizer, batch });
  const first = await train(device, trial, steps);
  const again = differenceOf(first, await train(device, trial, steps));
  const paused = differenceOf(first, await train(device, trial, steps, steps >> 1));
  return { precision, optimizer, again, paused };
}

interface Trained {
  readonly losses: readonly number[];
  readonly state: ReadonlyMap<ProgramBuffer, HostArray>;
}

async function train(device: Device, trial: Trial, steps: number, pauseBefore?: number): Promise<Trained> {
  let session: Session = await trial.begin(device);
  try {
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) {
      if (i === pauseBefore) {
        const state = trial.read(session);
        session.close();
        session = await trial.resume(device, state);
      }
      losses.push(await trial.step(session, i));
    }
    return { losses, state: trial.read(session) };
  } finally {
    session.close();
  }
}

const bytesOf = (a: HostArray): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

function differenceOf(a: Trained, b: Trained): string | undefined {
  const step = a.losses.findIndex((loss, i) => !Object.is(loss, b.losses[i]));
  if (step >= 0) return `the loss of step ${formatCount(step + 1)} was ${a.losses[step]}, then ${b.losses[step]}`;
  for (const [buffer, value] of a.state)
    if (Buffer.compare(bytesOf(value), bytesOf(b.state.get(buffer)!)) !== 0) return `${buffer.name} had other bits`;
  return undefined;
}
