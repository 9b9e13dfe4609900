import type { RunConfig } from '../config.ts';
import type { Session } from '../devices/device.ts';
import { type Inputs, scalarCount, scalarIndex } from '../gpt2/inputs.ts';
import type { Window } from './windows.ts';

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
 * @param drawn sequences that the run has taken from any source before
 */
export function writeBatch(
  session: Session,
  inputs: Inputs,
  { seed, model }: RunConfig,
  windows: readonly Window[],
  drawn: number,
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
  session.write(inputs.rng, Int32Array.of(seed | 0, seedHigh, drawn | 0, Math.floor(drawn / 2 ** 32) | 0));
}
