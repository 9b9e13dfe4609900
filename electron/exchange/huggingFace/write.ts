import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { makeFolders } from '../../base/folders.ts';
import { getTokenizer, type TokenizerName } from '../../data/tokenizers/index.ts';
import type { ModelConfig } from '../../engine/models/index.ts';
import { parameterTable } from '../../engine/models/gpt2/parameters.ts';
import { UserError } from '../../base/errors.ts';
import { bf16FromFloat32, f16FromFloat32 } from '../../base/halves.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { type TensorSource, writeSafetensors } from '../safetensors/index.ts';
import { configJson, generationConfigJson } from './config.ts';
import { tokenizerFiles } from './tokenizer.ts';

export const exportDtypes = ['f32', 'f16', 'bf16'] as const;
export type ExportDtype = (typeof exportDtypes)[number];

const names = { f32: ['F32', 'float32'], f16: ['F16', 'float16'], bf16: ['BF16', 'bfloat16'] } as const;

export interface ModelExport {
  readonly model: ModelConfig;
  readonly tokenizer: TokenizerName;
  readonly dtype: ExportDtype;
  /** A parameter by its name, float32, without the padding of the vocabulary. */
  readonly tensor: (name: string) => Promise<Float32Array>;
  /** More files by name: the model card and its pictures. */
  readonly files?: Readonly<Record<string, string>>;
  /** Take the place of an earlier export. */
  readonly force?: boolean;
  /** The folder that it is written to until it is whole; see `partialOf`. */
  readonly partial?: string;
  /** Nobody wants it any more. */
  readonly signal?: AbortSignal | undefined;
}

/** In every export: what tells a folder of ours, which may be replaced, from others. */
const markName = '.trainyard-export';

/** A folder beside an export's in which it is made. */
export function partialOf(dir: string): string {
  const target = path.resolve(dir);
  return path.join(path.dirname(target), `.${path.basename(target)}.${randomBytes(4).toString('hex')}.partial`);
}

const replacedName = (partial: string): string => `${partial}.old`;

/** Removes what a process left that was killed while it wrote an export: an earlier one that was to make way is put back. */
export async function tidyExport(dir: string, partial: string): Promise<void> {
  const [target, old] = [path.resolve(dir), replacedName(partial)];
  if (fs.existsSync(old) && !fs.existsSync(target)) await fs.promises.rename(old, target);
  for (const left of [partial, old]) await fs.promises.rm(left, { recursive: true, force: true });
}

/**
 * Writes a folder that Hugging Face's libraries load: weights, config, tokenizer. It is whole or not there.
 * @throws UserError when the folder is in use, a weight does not fit the format, or the disk does not take it
 */
export async function writeHuggingFaceModel(dir: string, content: ModelExport): Promise<void> {
  const target = path.resolve(dir);
  requireFree(target, content.force ?? false);
  const partial = content.partial ?? partialOf(target);
  try {
    makeFolders(partial);
    await writeSafetensors(path.join(partial, 'model.safetensors'), entries(content), { format: 'pt' });
    for (const [name, text] of Object.entries(textFiles(content))) fs.writeFileSync(path.join(partial, name), text);
    content.signal?.throwIfAborted();
    publish(partial, target);
  } catch (error) {
    fs.rmSync(partial, { recursive: true, force: true });
    if (!isSystemError(error)) throw error;
    throw new UserError(`The model can't be written to ${target}: ${meaningOf(error)}; nothing is left of it.`);
  }
}

function requireFree(dir: string, force: boolean): void {
  const found = fs.statSync(dir, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isDirectory()) throw new UserError(`${dir} is a file: name a folder to write the model to.`);
  const content = fs.readdirSync(dir);
  if (content.length === 0) return;
  if (!content.includes(markName))
    throw new UserError(`${dir} is not empty and not an existing export: choose another folder.`);
  if (!force) throw new UserError(`${dir} holds an existing export: overwrite it (--force), or choose another folder.`);
}

/** An earlier export makes way only when the new one is whole. */
function publish(partial: string, target: string): void {
  if (!fs.existsSync(target)) return fs.renameSync(partial, target);
  const old = replacedName(partial);
  fs.renameSync(target, old);
  try {
    fs.renameSync(partial, target);
  } catch (error) {
    fs.renameSync(old, target);
    throw error;
  }
  fs.rmSync(old, { recursive: true, force: true });
}

function entries({ model, dtype, tensor }: ModelExport): TensorSource[] {
  return parameterTable(model).map(({ name, fileShape }) => ({
    name: `transformer.${name}`,
    dtype: names[dtype][0],
    shape: fileShape,
    data: async () => converted(await tensor(name), dtype, name),
  }));
}

function converted(values: Float32Array, dtype: ExportDtype, name: string): ArrayBufferView {
  const bad = values.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0)
    throw new UserError(
      `The parameter ${name} holds ${values[bad]}: a checkpoint from before that happened can be exported.`,
    );
  if (dtype === 'f32') return values;
  if (dtype === 'bf16') return bf16FromFloat32(values);
  const halves = f16FromFloat32(values);
  const large = halves.findIndex((bits) => (bits & 0x7fff) === 0x7c00);
  if (large >= 0)
    throw new UserError(`The parameter ${name} holds ${values[large]}, which float16 can't: export f32 or bf16.`);
  return halves;
}

function textFiles({ model, tokenizer, dtype, files = {} }: ModelExport): Record<string, string> {
  const ends = getTokenizer(tokenizer);
  return {
    'config.json': configJson(model, ends, names[dtype][1]),
    'generation_config.json': generationConfigJson(ends),
    ...tokenizerFiles(tokenizer, model.contextLength),
    ...files,
    [markName]: '',
  };
}
