import fs from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../../errors.ts';
import { isSystemError, meaningOf, SafetensorsFile } from '../safetensors/index.ts';

const indexName = 'model.safetensors.index.json';
const singleName = 'model.safetensors';
/** An index names some hundred tensors. */
const mostIndexBytes = 64 << 20;

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/** The tensors of a model folder: which file has which. */
export interface ModelFiles {
  readonly files: ReadonlyMap<string, SafetensorsFile>;
  close(): Promise<void>;
}

/** A name in the folder itself, whatever system wrote the index. */
const isPlainName = (name: string): boolean => /^[^/\\:\0]+$/.test(name) && name !== '.' && name !== '..';

async function readIndex(dir: string): Promise<Map<string, string> | undefined> {
  const file = path.join(dir, indexName);
  let text: string;
  try {
    if ((await fs.stat(file)).size > mostIndexBytes)
      throw new UserError(`${file} is too large for an index of tensors.`);
    text = await fs.readFile(file, 'utf8');
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return undefined;
    if (isSystemError(error)) throw new UserError(`${file} can't be read: ${meaningOf(error)}.`);
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${file} is not valid JSON.`);
  }
  const result = indexSchema.safeParse(value);
  if (!result.success) throw new UserError(`${file} has no table weight_map of tensors and files.`);
  const map = new Map(Object.entries(result.data.weight_map));
  for (const name of map.values())
    if (!isPlainName(name))
      throw new UserError(`${file} names ${JSON.stringify(name)}, which is not a file of its folder.`);
  return map;
}

/** @throws UserError when a file lies elsewhere, behind a link */
async function requireInside(dir: string, file: string): Promise<void> {
  try {
    const [root, actual] = await Promise.all([fs.realpath(dir), fs.realpath(file)]);
    // Hugging Face's own cache keeps files beside the folder, behind links: one link to a plain file is what it makes.
    const blobs = path.join(path.dirname(path.dirname(root)), 'blobs');
    if (path.dirname(actual) === root || path.dirname(actual) === blobs) return;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`${file} can't be read: ${meaningOf(error)}.`);
  }
  throw new UserError(`${file} is a link out of its folder: copy the file there.`);
}

/**
 * Opens `model.safetensors`, or the files that `model.safetensors.index.json` names.
 * @throws UserError that names the file
 */
export async function openShards(dir: string): Promise<ModelFiles> {
  const index = await readIndex(dir);
  const names = index ? [...new Set(index.values())].sort() : [singleName];
  const opened: SafetensorsFile[] = [];
  const close = async (): Promise<void> => {
    for (const file of opened.splice(0)) await file.close();
  };
  try {
    const files = new Map<string, SafetensorsFile>();
    for (const name of names) {
      const at = path.join(dir, name);
      await requireInside(dir, at);
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
    return { files, close };
  } catch (error) {
    await close();
    throw error;
  }
}
