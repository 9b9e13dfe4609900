import { getTokenizer, type TokenizerName, tokenizerNames } from '../data/tokenizers/index.ts';
import { openCheckpoint, writeCheckpoint } from '../engine/checkpoint/index.ts';
import { parseRunConfig, type RunConfig } from '../engine/config.ts';
import { usualDevice } from '../engine/devices/usual.ts';
import type { ModelConfig } from '../engine/gpt2/config.ts';
import { parameterTable } from '../engine/gpt2/parameters.ts';
import { freshState } from '../engine/trainer/snapshot.ts';
import { UserError } from '../errors.ts';
import { type ExportDtype, openHuggingFaceModel, writeHuggingFaceModel } from '../exchange/huggingFace/index.ts';
import { noData } from './run/data.ts';
import type { Run } from './store/index.ts';
import type { Studio } from './studio.ts';

/** The tokenizer of a vocabulary of a size. @throws UserError when there is none */
function tokenizerOf(dir: string, { vocabSize }: ModelConfig): TokenizerName {
  const found = tokenizerNames.find((name) => getTokenizer(name).vocabSize === vocabSize);
  if (found) return found;
  const known = tokenizerNames.map((name) => `${getTokenizer(name).vocabSize} (${name})`).join(' or ');
  throw new UserError(`The model in ${dir} has a vocabulary of ${vocabSize}, and ${known} can be read here.`);
}

/** The config of a model that is not trained here. @throws UserError when its tokens are not known */
export const importedConfig = (dir: string, model: ModelConfig): RunConfig =>
  parseRunConfig({
    model,
    dataset: noData,
    device: usualDevice(),
    tokenizer: tokenizerOf(dir, model),
    batch: 1,
    tokensPerStep: model.contextLength,
    // A run has a phase; this one is never trained.
    phases: [{ kind: 'constant', steps: 1, from: 0, to: 0 }],
  });

/**
 * Makes a run of a Hugging Face GPT-2 folder, with one checkpoint: to evaluate, to generate from, to begin new runs with.
 * @throws UserError when the folder holds no model that is computed here
 */
export async function importModel(studio: Studio, dir: string, name: string): Promise<Run> {
  const source = await openHuggingFaceModel(dir);
  try {
    const { config: model } = source;
    const config = importedConfig(dir, model);
    const run = studio.store.createRun({ name, config, device: config.device.kind, stepsTotal: 0, tokensTotal: 0 });
    try {
      const root = studio.checkpointRoot(run);
      const entries = parameterTable(model).map(({ name: tensor, fileShape }) => {
        return { name: tensor, dtype: 'F32' as const, shape: fileShape, data: () => source.tensor(tensor) };
      });
      const state = { trainer: freshState, config };
      const written = await writeCheckpoint(root, 0, { model: entries, optimizer: [], state });
      studio.store.addCheckpoint(run.id, { step: 0, path: written.dir, bytes: written.bytes, best: false, kept: true });
    } catch (error) {
      studio.store.deleteRun(run.id);
      throw error;
    }
    const message = `imported from ${dir}`;
    studio.store.addEvent(run.id, 0, 'info', 'imported', message);
    studio.store.setRunState(run.id, 'completed', message);
    return studio.store.getRun(run.id);
  } finally {
    await source.close();
  }
}

export interface ExportChoice {
  readonly dtype: ExportDtype;
  readonly force?: boolean;
  /** The model card and its pictures. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Writes a checkpoint as a folder that Hugging Face's libraries load. @throws UserError when that can't be done */
export async function exportModel(
  studio: Studio,
  run: Run,
  step: number,
  dir: string,
  choice: ExportChoice,
): Promise<void> {
  const { model, tokenizer } = studio.configOf(run);
  const checkpoint = await openCheckpoint(studio.checkpointOf(run, step).path);
  await writeHuggingFaceModel(dir, { model, tokenizer, tensor: (name) => checkpoint.model(name), ...choice });
}
