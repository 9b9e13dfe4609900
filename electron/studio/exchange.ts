import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { getTokenizer, type TokenizerName, tokenizerContent, tokenizersDir } from '../data/tokenizers/index.ts';
import { isOwnName } from '../data/tokenizers/own/definition.ts';
import { keepTokenizer, type KeptTokenizer, keptTokenizerOf, useTokenizer } from '../data/tokenizers/own/kept.ts';
import {
  files,
  latestValid,
  openCheckpoint,
  openChosen,
  type OpenedCheckpoint,
  writeCheckpoint,
} from '../engine/checkpoint/index.ts';
import { parseRunConfig, type RunConfig } from '../engine/run/config.ts';
import { defaultDevice } from '../engine/devices/choose.ts';
import type { ModelConfig } from '../engine/models/index.ts';
import { parameterTable } from '../engine/models/index.ts';
import { freshState } from '../engine/run/state.ts';
import {
  assumedTokenizer,
  type ExportDtype,
  type ExtraRows,
  fitTokenizer,
  type Fitted,
  openHuggingFaceModel,
  padded,
  readTokenizer,
  writeHuggingFaceModel,
} from '../exchange/huggingFace/index.ts';
import { requireAnswer, requireFolder } from './givenPaths.ts';
import { checkpointDir } from './home.ts';
import { noData } from './run/data.ts';
import { type StagedFiles, stageFiles } from './run/staged.ts';
import type { NewRun, Run } from './store/index.ts';
import { readRunFileIn } from './store/runFile.ts';
import type { Studio } from './studio.ts';

export interface ImportOptions {
  /** What becomes of rows that stand for no token of the tokenizer's own. Default: they are kept. */
  readonly extraRows?: ExtraRows;
  /** In the place of the folder's own: a name, a run, or another folder. */
  readonly tokenizer?: TokenizerName;
  /** The token that ends a text, where the folder's files don't say. */
  readonly endOfText?: string;
}

/** A model's folder that is open, as it is to be used here. */
export interface OpenedModel {
  readonly config: RunConfig;
  /** A parameter as float32. */
  tensor(name: string): Promise<Float32Array<ArrayBuffer>>;
  /** What is to be kept, where its tokenizer came with it. */
  readonly kept: KeptTokenizer | undefined;
  /** What people should know of it. */
  readonly notices: readonly string[];
  close(): Promise<void>;
}

/** The config of a model that is not trained here. */
const importedConfig = (model: ModelConfig, tokenizer: TokenizerName): RunConfig =>
  parseRunConfig({
    model,
    dataset: noData,
    device: defaultDevice(),
    tokenizer,
    batch: 1,
    tokensPerStep: model.contextLength,
    // A run has a phase; this one is never trained.
    phases: [{ kind: 'constant', steps: 1, from: 0, to: 0 }],
  });

/** The tokenizer of a model's folder, and the rows that stay. @throws UserError when it can't be read here */
async function tokenizerOf(dir: string, rows: number, options: ImportOptions): Promise<Fitted> {
  const { extraRows: extra = 'keep', tokenizer, endOfText } = options;
  if (tokenizer !== undefined) {
    const size = getTokenizer(tokenizer).vocabSize;
    return padded(isOwnName(tokenizer) ? keptTokenizerOf(tokenizer) : tokenizer, size, rows, extra);
  }
  const found = await readTokenizer(dir, { rows, ...(endOfText === undefined ? {} : { endOfText }) });
  if (found) return fitTokenizer(dir, found, rows, extra);
  return assumedTokenizer(dir, rows, extra);
}

/** The checkpoint that a folder is, or the last whole one of the run whose folder it is; undefined for other folders. */
async function checkpointIn(dir: string): Promise<OpenedCheckpoint | undefined> {
  if (fs.existsSync(path.join(dir, files.state))) return openCheckpoint(dir);
  const root = path.join(dir, 'checkpoints');
  if (!fs.existsSync(root)) return undefined;
  return (await latestValid(root)).checkpoint ?? undefined;
}

/** A checkpoint knows its tokens, and carries what they mean where that is not known anyway. */
function openedCheckpoint(checkpoint: OpenedCheckpoint): OpenedModel {
  const { config } = z.object({ config: z.unknown() }).parse(checkpoint.state);
  const { model, tokenizer } = parseRunConfig(config);
  return {
    config: importedConfig(model, tokenizer),
    tensor: (name) => checkpoint.model(name),
    kept: isOwnName(tokenizer) ? keptTokenizerOf(tokenizer) : undefined,
    notices: [],
    async close() {},
  };
}

/**
 * Opens a Hugging Face GPT-2 folder with its tokenizer, or a checkpoint.
 * @throws UserError when the folder holds no model that is computed here, or its tokenizer is of another kind
 */
export async function openModel(dir: string, options: ImportOptions = {}): Promise<OpenedModel> {
  const checkpoint = await checkpointIn(dir);
  if (checkpoint) return openedCheckpoint(checkpoint);
  const source = await openHuggingFaceModel(dir);
  try {
    const { tokenizer, rows, notices } = await tokenizerOf(dir, source.config.vocabSize, options);
    const model = { ...source.config, vocabSize: rows };
    const tensor = async (name: string) => {
      const values = await source.tensor(name);
      return name === 'wte.weight' ? values.subarray(0, rows * model.nEmbd) : values;
    };
    return {
      config: importedConfig(model, typeof tokenizer === 'string' ? tokenizer : useTokenizer(tokenizer)),
      tensor,
      kept: typeof tokenizer === 'string' ? undefined : tokenizer,
      notices: [...source.notices, ...notices],
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
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
export async function importModel(
  studio: Studio,
  dir: string,
  name?: string,
  options: ImportOptions = {},
  course: Course = {},
): Promise<{ run: Run; notices: readonly string[] }> {
  studio.store.requireInPlace();
  await requireFolder(dir);
  const source = await openModel(dir, options);
  let staged: StagedFiles | undefined;
  try {
    const { config, notices } = source;
    if (source.kept) keepTokenizer(tokenizersDir(studio.home), source.kept);
    const tokenizerFile = tokenizerContent(config.tokenizer);
    const parameters = parameterTable(config.model);
    const read = counted(course, parameters.length, (tensor) => source.tensor(tensor));
    const entries = parameters.map(({ name: tensor, fileShape }) => {
      const data = () => read(tensor);
      return { name: tensor, dtype: 'F32' as const, shape: fileShape, data };
    });
    const state = { trainer: freshState, config };
    staged = stageFiles(studio.home);
    const { bytes } = await writeCheckpoint(path.join(staged.dir, 'checkpoints'), 0, {
      ...{ model: entries, optimizer: [], state },
      ...(tokenizerFile ? { beside: [tokenizerFile] } : {}),
    });
    course.signal?.throwIfAborted();
    const row = { name: name ?? importName(dir), config, device: config.device.kind, stepsTotal: 0, tokensTotal: 0 };
    return { run: storeImported(studio, staged, row, { bytes, dir, notices }), notices };
  } catch (error) {
    staged?.remove();
    throw error;
  } finally {
    await source.close();
  }
}

/** Stores an imported run, all of it at once. */
function storeImported(
  { home, store }: Studio,
  files: StagedFiles,
  run: NewRun,
  { bytes, dir, notices }: { bytes: number; dir: string; notices: readonly string[] },
): Run {
  const message = `imported from ${dir}`;
  return store.atomically(() => {
    const { id } = store.createRun(run);
    store.addCheckpoint(id, { step: 0, path: checkpointDir(home, id, 0), bytes, best: false, kept: true });
    store.addEvent(id, 0, 'info', 'imported', message);
    for (const notice of notices) store.addEvent(id, 0, 'info', 'notice', notice);
    store.setRunState(id, 'completed', message);
    store.releaseRun(id);
    files.publish(id);
    return store.getRun(id);
  });
}

/** How a user follows and ends what takes long. */
export interface Course {
  readonly signal?: AbortSignal;
  /** Called with tensors that are done, and all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Reads tensors, unless the user has had enough. */
function counted<T>(
  { signal, onProgress }: Course,
  total: number,
  read: (tensor: string) => Promise<T>,
): (tensor: string) => Promise<T> {
  let done = 0;
  return async (tensor) => {
    signal?.throwIfAborted();
    const values = await read(tensor);
    onProgress?.(Math.min(++done, total), total);
    return values;
  };
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
  course: Course = {},
): Promise<void> {
  await requireAnswer(dir);
  const { model, tokenizer } = studio.configOf(run);
  const checkpoint = await openChosen(studio.checkpointOf(run, step).path);
  const tensor = counted(course, parameterTable(model).length, (name) => checkpoint.model(name));
  await writeHuggingFaceModel(dir, { model, tokenizer, tensor, ...choice });
}
