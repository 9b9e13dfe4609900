import type { ModelConfig } from '../../../electron/engine/gpt2/config.ts';
import { Gpt2 } from '../../../electron/engine/gpt2/programs.ts';
import type { Recompute } from '../../../electron/engine/program/recorder.ts';
import type { Program } from '../../../electron/engine/program/types.ts';

export const policies: readonly Recompute[] = ['none', 'attention', 'block'];

const adamw = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, gradClip: 1 };

/** Everything that a run plans together: a training step, evaluation, and generation token by token. */
export function runPrograms(config: ModelConfig, batch: number, recompute: Recompute): Program[] {
  const model = new Gpt2(config);
  const time = config.contextLength;
  const training = model.training({ ...adamw, batch, time, recompute });
  const { program: evaluate } = model.evaluation(batch, time, training.inputs);
  const { program: decode } = model.decode(1, 1, model.cache(1), training.inputs);
  return [...training.programs, evaluate, decode];
}

export const gpt2 = (
  nLayer: number,
  nHead: number,
  nEmbd: number,
  contextLength: number,
  vocabSize = 50257,
): ModelConfig => ({
  vocabSize,
  contextLength,
  nLayer,
  nHead,
  nEmbd,
  dropout: 0,
});
