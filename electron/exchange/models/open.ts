import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { getTokenizer, type TokenizerName } from '../../data/tokenizers/index.ts';
import { isOwnName } from '../../data/tokenizers/own/definition.ts';
import { type KeptTokenizer, keptTokenizerOf, useTokenizer } from '../../data/tokenizers/own/kept.ts';
import { files, latestValid, openCheckpoint, type OpenedCheckpoint } from '../../engine/checkpoint/index.ts';
import { parseRunConfig } from '../../engine/run/config.ts';
import type { ModelConfig } from '../../engine/models/index.ts';
import {
  assumedTokenizer,
  type ExtraRows,
  fitTokenizer,
  type Fitted,
  openHuggingFaceModel,
  padded,
  readTokenizer,
} from '../huggingFace/index.ts';

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
  readonly model: ModelConfig;
  readonly tokenizer: TokenizerName;
  /** A parameter as float32. */
  tensor(name: string): Promise<Float32Array<ArrayBuffer>>;
  /** What is to be kept, where its tokenizer came with it. */
  readonly kept: KeptTokenizer | undefined;
  /** What people should know of it. */
  readonly notices: readonly string[];
  close(): Promise<void>;
}

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
    model,
    tokenizer,
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
      model,
      tokenizer: typeof tokenizer === 'string' ? tokenizer : useTokenizer(tokenizer),
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
