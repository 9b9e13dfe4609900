import path from 'node:path';
import { tokenizerContent, type TokenizerName } from '../../data/tokenizers/index.ts';
import { keepTokenizer } from '../../data/tokenizers/own/kept.ts';
import { writeCheckpoint } from '../../engine/checkpoint/index.ts';
import type { DeviceChoice } from '../../engine/devices/choose.ts';
import { type ModelConfig, parameterTable } from '../../engine/models/index.ts';
import { parseRunConfig, type RunConfig } from '../../engine/run/config.ts';
import { freshState } from '../../engine/run/state.ts';
import { type Course, counted } from './course.ts';
import { type ImportOptions, openModel } from './open.ts';

/** What a run that is not trained here says in the place of what training would need. */
export interface Untrained {
  readonly dataset: string;
  readonly device: DeviceChoice;
}

/** The config of a model that is not trained here. */
export const importedConfig = (model: ModelConfig, tokenizer: TokenizerName, untrained: Untrained): RunConfig =>
  parseRunConfig({
    ...{ model, tokenizer, batch: 1, tokensPerStep: model.contextLength, ...untrained },
    // A run has a phase; this one is never trained.
    phases: [{ kind: 'constant', steps: 1, from: 0, to: 0 }],
  });

/** A model's folder, and where its files are to be. */
export interface ModelImport {
  /** Of a Hugging Face GPT-2 model, of a checkpoint, or of a run in whatever home. */
  readonly dir: string;
  readonly options: ImportOptions;
  /** The folder of the new run, as yet under another name. */
  readonly staged: string;
  /** Where tokenizers are kept that come with models. */
  readonly tokenizers: string;
  readonly untrained: Untrained;
}

export interface StagedModel {
  readonly config: RunConfig;
  /** Of the checkpoint's tensors. */
  readonly bytes: number;
  /** What people should know of it. */
  readonly notices: readonly string[];
}

/**
 * Writes the first checkpoint of a run that is made of a model in a folder, with the tokenizer that came with it.
 * @throws UserError when the folder holds no model that is computed here, or the disk does not take it
 */
export async function stageModel(
  { dir, options, staged, tokenizers, untrained }: ModelImport,
  course: Course = {},
): Promise<StagedModel> {
  const source = await openModel(dir, options);
  try {
    const config = importedConfig(source.model, source.tokenizer, untrained);
    if (source.kept) keepTokenizer(tokenizers, source.kept);
    const tokenizerFile = tokenizerContent(config.tokenizer);
    const parameters = parameterTable(config.model);
    const read = counted(course, parameters.length, (tensor) => source.tensor(tensor));
    const entries = parameters.map(({ name, fileShape }) => {
      const data = () => read(name);
      return { name, dtype: 'F32' as const, shape: fileShape, data };
    });
    const state = { trainer: freshState, config };
    const { bytes } = await writeCheckpoint(path.join(staged, 'checkpoints'), 0, {
      ...{ model: entries, optimizer: [], state },
      ...(tokenizerFile ? { beside: [tokenizerFile] } : {}),
    });
    course.signal?.throwIfAborted();
    return { config, bytes, notices: source.notices };
  } finally {
    await source.close();
  }
}
