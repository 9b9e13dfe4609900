import fs from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { SafetensorsFile } from '../safetensors/index.ts';
import { readJson } from './jsonFile.ts';

const indexName = 'model.safetensors.index.json';
const singleName = 'model.safetensors';
/** An index names some hundred tensors. */
const maxIndexBytes = 64 << 20;

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/** The tensors of a model folder: which file has which. */
export interface ModelFiles {
  readonly files: ReadonlyMap<string, SafetensorsFile>;
  /** What people should know of how they were chosen. */
  readonly notices: readonly string[];
  close(): Promise<void>;
}

/** A name in the folder itself, whatever system wrote the index. */
const isPlainName = (name: string): boolean => /^[^/\\:\0]+$/.test(name) && name !== '.' && name !== '..';

async function readIndex(dir: string): Promise<Map<string, string> | undefined> {
  const file = path.join(dir, indexName);
  const value = await readJson(file, maxIndexBytes);
  if (value === undefined) return undefined;
  const result = indexSchema.safeParse(value);
  if (!result.success) throw new UserError(`${file} has no table weight_map of tensors and files.`);
  const map = new Map(Object.entries(result.data.weight_map));
  for (const name of map.values())
    if (!isPlainName(name))
      throw new UserError(`${file} names ${JSON.stringify(name)}, which is not a file of its folder.`);
  return map;
}

/** @throws UserError when a file lies elsewhere, behind a link */
async function requireInside(dir: string, file: string, named: boolean): Promise<void> {
  try {
    const [root, actual] = await Promise.all([fs.realpath(dir), fs.realpath(file)]);
    // Hugging Face's own cache keeps files beside the folder, behind links: one link to a plain file is what it makes.
    const blobs = path.join(path.dirname(path.dirname(root)), 'blobs');
    if (path.dirname(actual) === root || path.dirname(actual) === blobs) return;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`${file}${named ? `, which ${indexName} names,` : ''} can't be read: ${meaningOf(error)}.`);
  }
  throw new UserError(`${file} is a link out of its folder: copy the file there.`);
}

/** Weights that can't be read here, by what their files are called, and what is to be done with them. */
const otherWeights: readonly (readonly [name: RegExp, what: string])[] = [
  [
    /^adapter_model\.(safetensors|bin)$/,
    'an adapter (LoRA), which changes another model: merge it into that one (merge_and_unload) and save it',
  ],
  [/\.(bin|pt|pth|ckpt|pkl)$/, 'a pickle, which may run any program when it is read'],
  [/\.gguf$|\.ggml$/, 'a GGUF file, made for llama.cpp: take the folder that it was made from'],
  [/\.h5$/, "TensorFlow's"],
  [/\.msgpack$/, "Flax's"],
  [/\.onnx$/, 'ONNX'],
];

/** What to do about a folder without safetensors. */
async function noWeights(dir: string): Promise<UserError> {
  const names = (await fs.readdir(dir).catch(() => [] as string[])).sort();
  const rank = (name: string): number => (/^(pytorch|tf|flax)_model/.test(name) ? 0 : 1);
  for (const [pattern, what] of otherWeights) {
    const found = names.filter((name) => pattern.test(name) && name !== 'training_args.bin' && name !== 'optimizer.pt');
    const [first] = found.sort((a, b) => rank(a) - rank(b));
    if (first === undefined) continue;
    const convert = what.includes(':')
      ? ''
      : `: convert it once with Python, GPT2LMHeadModel.from_pretrained(${JSON.stringify(dir)}${first.endsWith('.h5') ? ', from_tf=True' : first.endsWith('.msgpack') ? ', from_flax=True' : ''}).save_pretrained("converted"), copy its tokenizer's files along, and import that folder`;
    return new UserError(`${dir} has no ${singleName}; ${first} is ${what}${convert}.`);
  }
  const other = names.find((name) => name.endsWith('.safetensors'));
  if (other) return new UserError(`${dir} has no ${singleName}: if ${other} holds the model, rename it.`);
  return new UserError(`${dir} has no ${singleName}: the folder of a Hugging Face GPT-2 model is needed.`);
}

/** Whether there is a file or folder of a name, or a link that leads to none. */
const isThere = (file: string): Promise<boolean> =>
  fs.lstat(file).then(
    () => true,
    () => false,
  );

/**
 * Opens `model.safetensors`, or the files that `model.safetensors.index.json` names, in that order, as Hugging Face's
 * libraries do: an index may be left of an earlier save.
 * @throws UserError that names the file
 */
export async function openShards(dir: string): Promise<ModelFiles> {
  const hasSingle = await isThere(path.join(dir, singleName));
  const index = hasSingle ? undefined : await readIndex(dir);
  if (!hasSingle && !index) throw await noWeights(dir);
  const stale = hasSingle && (await isThere(path.join(dir, indexName)));
  const notices = stale
    ? [`${singleName} is taken, and ${indexName} beside it is not, as Hugging Face's libraries do`]
    : [];
  const names = index ? [...new Set(index.values())].sort() : [singleName];
  const opened: SafetensorsFile[] = [];
  const close = async (): Promise<void> => {
    for (const file of opened.splice(0)) await file.close();
  };
  try {
    const files = new Map<string, SafetensorsFile>();
    for (const name of names) {
      const at = path.join(dir, name);
      await requireInside(dir, at, index !== undefined);
      const file = await SafetensorsFile.open(at);
      opened.push(file);
      for (const tensor of file.names) {
        if (files.has(tensor)) throw new UserError(`${dir}: the tensor ${JSON.stringify(tensor)} is in two files.`);
        if (index && index.get(tensor) !== name)
          throw new UserError(
            `${at} has the tensor ${JSON.stringify(tensor)}, which ${indexName} does not name there.`,
          );
        files.set(tensor, file);
      }
    }
    for (const [tensor, name] of index ?? [])
      if (!files.has(tensor))
        throw new UserError(
          `${path.join(dir, name)} lacks the tensor ${JSON.stringify(tensor)} that ${indexName} names.`,
        );
    return { files, notices, close };
  } catch (error) {
    await close();
    throw error;
  }
}
