import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { getTokenizer, type TokenizerName, tokenizerNames } from '../data/tokenizers/index.ts';
import {
  files,
  latestValid,
  type OpenedCheckpoint,
  openCheckpoint,
  writeCheckpoint,
} from '../engine/checkpoint/index.ts';
import { parseRunConfig, type RunConfig } from '../engine/config.ts';
import { usualDevice } from '../engine/devices/usual.ts';
import type { ModelConfig } from '../engine/gpt2/config.ts';
import { parameterTable } from '../engine/gpt2/parameters.ts';
import { freshState } from '../engine/trainer/snapshot.ts';
import { UserError } from '../errors.ts';
import { type ExportDtype, openHuggingFaceModel, writeHuggingFaceModel } from '../exchange/huggingFace/index.ts';
import { noData } from './run/data.ts';
import type { Run } from './store/index.ts';
import { readRunFileIn } from './store/runFile.ts';
import type { Studio } from './studio.ts';

/** The tokenizer of a vocabulary of a size. @throws UserError when there is none */
function tokenizerOf(dir: string, { vocabSize }: ModelConfig): TokenizerName {
  const found = tokenizerNames.find((name) => getTokenizer(name).vocabSize === vocabSize);
  if (found) return found;
  const known = tokenizerNames.map((name) => `${getTokenizer(name).vocabSize} (${name})`).join(' or ');
  throw new UserError(`The model in ${dir} has a vocabulary of ${vocabSize}, and ${known} can be read here.`);
}

/**
 * The config of a model that is not trained here.
 * @param tokenizer where it is known
 * @throws UserError when its tokens are not known
 */
export const importedConfig = (dir: string, model: ModelConfig, tokenizer?: TokenizerName): RunConfig =>
  parseRunConfig({
    model,
    dataset: noData,
    device: usualDevice(),
    tokenizer: tokenizer ?? tokenizerOf(dir, model),
    batch: 1,
    tokensPerStep: model.contextLength,
    // A run has a phase; this one is never trained.
    phases: [{ kind: 'constant', steps: 1, from: 0, to: 0 }],
  });

/** A model in a folder: weights by their names, and what they are the weights of. */
interface ModelSource {
  readonly config: ModelConfig;
  readonly tokenizer?: TokenizerName;
  tensor(name: string): Promise<Float32Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** The checkpoint that a folder is, or the last whole one of the run whose folder it is; undefined for other folders. */
async function checkpointIn(dir: string): Promise<OpenedCheckpoint | undefined> {
  if (fs.existsSync(path.join(dir, files.state))) return openCheckpoint(dir);
  const root = path.join(dir, 'checkpoints');
  if (!fs.existsSync(root)) return undefined;
  return (await latestValid(root)).checkpoint ?? undefined;
}

async function openModel(dir: string): Promise<ModelSource> {
  const checkpoint = await checkpointIn(dir);
  if (!checkpoint) return openHuggingFaceModel(dir);
  const { config } = z.object({ config: z.unknown() }).parse(checkpoint.state);
  const { model, tokenizer } = parseRunConfig(config);
  return { config: model, tokenizer, tensor: (name) => checkpoint.model(name), async close() {} };
}

/** What a model is called that nobody names: as its folder, or as the run whose checkpoint it is. */
export function importName(dir: string): string {
  const folder = path.resolve(dir);
  const [root, run] = [path.dirname(folder), path.dirname(path.dirname(folder))];
  const isCheckpoint = path.basename(root) === 'checkpoints' && fs.existsSync(path.join(folder, files.state));
  if (!isCheckpoint) return readRunFileIn(folder)?.run.name ?? path.basename(folder);
  return `${readRunFileIn(run)?.run.name ?? path.basename(run)}-${path.basename(folder)}`;
}

/**
 * Makes a run of a model in a folder, with one checkpoint: to evaluate, to generate from, to begin new runs with.
 * @param dir of a Hugging Face GPT-2 model, of a checkpoint, or of a run in whatever home
 * @param name where it is not called after its folder
 * @throws UserError when the folder holds no model that is computed here
 */
export async function importModel(studio: Studio, dir: string, name: string = importName(dir)): Promise<Run> {
  const source = await openModel(dir);
  try {
    const { config: model, tokenizer } = source;
    const config = importedConfig(dir, model, tokenizer);
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
