import type { ModelConfig } from '../../../electron/engine/models/index.ts';
import { Model } from '../../../electron/engine/models/programs.ts';
import type { Recompute } from '../../../electron/engine/program/recorder.ts';
import type { Program } from '../../../electron/engine/program/types.ts';

export const policies: readonly Recompute[] = ['none', 'attention', 'block'];

const adamw = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, gradClip: 1 };

/** Everything that a run plans together: a training step, evaluation, and generation token by token. */
export function runPrograms(config: ModelConfig, batch: number, recompute: Recompute): Program[] {
  const model = new Model(config);
  const time = config.contextLength;
  const training = model.training({ ...adamw, batch, time, recompute });
  const { program: evaluate } = model.evaluation(batch, time, training.inputs);
  const { program: decode } = model.decode(1, 1, model.cache(1, Math.min(128, time)), training.inputs);
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

/** The published models with their numbers of parameters. */
export const presets = [
  { name: 'gpt2', shape: gpt2(12, 12, 768, 1024), parameters: 124_439_808 },
  { name: 'gpt2-medium', shape: gpt2(24, 16, 1024, 1024), parameters: 354_823_168 },
  { name: 'gpt2-medium-4096', shape: gpt2(26, 16, 1024, 4096), parameters: 383_161_344 },
  { name: 'gpt2-large', shape: gpt2(36, 20, 1280, 1024), parameters: 774_030_080 },
  { name: 'gpt2-xl', shape: gpt2(48, 25, 1600, 1024), parameters: 1_557_611_200 },
];
