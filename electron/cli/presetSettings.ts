import { getTokenizer, type TokenizerName } from '../data/tokenizers/index.ts';
import type { FitConfig } from '../engine/fit/fit.ts';
import { checkModelConfig, modelConfigSchema } from '../engine/models/index.ts';
import { defaultOptimizer, type LowBitStates, type OptimizerKind } from '../engine/optimizers/index.ts';
import type { Phase } from '../engine/run/config.ts';
import { loadPreset } from '../engine/run/presets.ts';
import type { Precision } from '../engine/program/types.ts';
import { UsageError } from '../base/errors.ts';
import { firstIssue } from '../base/issues.ts';
import { applyFlags, merge, type Tree } from './settings.ts';

/** A preset's name, and the flags of settings that are over it. */
export interface PresetFlags {
  readonly preset: string;
  readonly tokenizer?: TokenizerName;
  readonly [flag: string]: unknown;
}

export interface PresetSettings {
  readonly config: Required<FitConfig>;
  /** Tokens of an optimizer step: one micro-batch where the preset says nothing. */
  readonly tokensPerStep: number;
  /** Of a preset that is a recipe. */
  readonly phases?: readonly Phase[];
}

/**
 * What decides a step: a preset with the flags over it, and the schema's defaults for what neither says.
 * @param precision where neither a preset nor a flag says one
 * @throws UsageError that names the setting and what is wrong with it
 */
export function presetSettings(options: PresetFlags, precision: Precision = 'f32'): PresetSettings {
  const preset = loadPreset(options.preset).config as Tree;
  const tree = applyFlags(merge({ batch: 1, precision, recompute: 'none' }, preset), options);
  const tokenizer = getTokenizer(options.tokenizer ?? (tree.tokenizer as TokenizerName));
  const model = modelConfigSchema.safeParse({ ...(tree.model as Tree), vocabSize: tokenizer.vocabSize });
  if (!model.success) {
    const { name, message } = firstIssue(model.error, 'the model');
    throw new UsageError(`Bad setting ${name}: ${message}.`);
  }
  checkModelConfig(model.data);
  const { kind: optimizer = defaultOptimizer, lowBitStates = 'stable' } = (tree.optimizer ?? {}) as {
    kind?: OptimizerKind;
    lowBitStates?: LowBitStates;
  };
  const { batch, recompute } = tree as Pick<FitConfig, 'batch' | 'recompute'>;
  if (!(batch >= 1 && batch <= 65536))
    throw new UsageError(`--batch needs a whole number from 1 to 65536, not ${batch}.`);
  const { tokensPerStep = batch * model.data.contextLength, phases } = tree as {
    tokensPerStep?: number;
    phases?: readonly Phase[];
  };
  return {
    config: { model: model.data, batch, precision: tree.precision as Precision, recompute, optimizer, lowBitStates },
    tokensPerStep,
    ...(phases ? { phases } : {}),
  };
}
