import fs from 'node:fs/promises';
import path from 'node:path';
import type { ModelConfig } from '../../engine/models/index.ts';
import { parameterTable } from '../../engine/models/gpt2/parameters.ts';
import { UserError } from '../../base/errors.ts';
import type { SafetensorsFile } from '../safetensors/index.ts';
import { parseConfig } from './config.ts';
import { readJson } from './jsonFile.ts';
import { openShards } from './shards.ts';

/** A Hugging Face GPT-2 model on disk. Nothing but headers is in memory. */
export interface HuggingFaceModel {
  readonly config: ModelConfig;
  /** A parameter by our name (without `transformer.`) as float32. @throws UserError when it holds what is no number */
  tensor(name: string): Promise<Float32Array<ArrayBuffer>>;
  /** What people should know of how its files were read. */
  readonly notices: readonly string[];
  close(): Promise<void>;
}

const prefix = 'transformer.';
const headName = 'lm_head.weight';
/** The causal mask, which older files hold as if it were a parameter. */
const isMask = (name: string): boolean => /^h\.\d+\.attn\.(bias|masked_bias)$/.test(name);
const floats = new Set(['F32', 'F16', 'BF16']);
const maxConfigBytes = 1 << 20;

/**
 * Opens a folder with `config.json` and `model.safetensors`, or the latter in several files with an index: float32, float16
 * or bfloat16, tensors with or without the prefix `transformer.`, the output head tied or stored besides.
 * @throws UserError that names what is missing, of a wrong shape, or of a model that is computed otherwise
 */
export async function openHuggingFaceModel(dir: string): Promise<HuggingFaceModel> {
  const config = parseConfig(await readConfig(dir), path.join(dir, 'config.json'));
  const { files, notices, close } = await openShards(dir);
  try {
    const tensors = new Map<string, { file: SafetensorsFile; stored: string }>();
    for (const [stored, file] of files) {
      const name = stored.startsWith(prefix) ? stored.slice(prefix.length) : stored;
      if (isMask(name)) continue;
      if (tensors.has(name))
        throw new UserError(`${dir} has the tensor ${JSON.stringify(name)} twice, with the prefix and without.`);
      tensors.set(name, { file, stored });
    }
    const table = new Map(parameterTable(config).map((p) => [p.name, p.fileShape]));
    for (const [name, shape] of table) check(dir, tensors.get(name), name, shape);
    const head = tensors.get(headName);
    if (head) check(dir, head, headName, table.get('wte.weight')!);
    for (const name of tensors.keys())
      if (!table.has(name) && name !== headName)
        throw new UserError(`${dir} has a tensor ${JSON.stringify(name)} that no GPT-2 has.`);

    const read = async (name: string): Promise<Float32Array<ArrayBuffer>> => {
      const { file, stored } = tensors.get(name)!;
      const values = await file.readFloat32(stored);
      const bad = values.findIndex((x) => !Number.isFinite(x));
      if (bad >= 0)
        throw new UserError(
          `${file.path}: the tensor ${JSON.stringify(stored)} holds ${values[bad]} at element ${bad}.`,
        );
      return values;
    };
    if (head) await requireTied(dir, await read(headName), await read('wte.weight'));
    return { config, tensor: read, notices, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readConfig(dir: string): Promise<unknown> {
  const file = path.join(dir, 'config.json');
  const found = await fs.stat(dir).catch(() => undefined);
  if (found?.isFile())
    throw new UserError(`${dir} is a file: name the folder of a Hugging Face GPT-2 model, with config.json in it.`);
  const config = await readJson(file, maxConfigBytes);
  if (config !== undefined) return config;
  const why = found ? 'it does not exist' : 'there is no such folder';
  throw new UserError(`${file} can't be read: ${why}; the folder of a Hugging Face GPT-2 model is needed.`);
}

function check(
  dir: string,
  found: { file: SafetensorsFile; stored: string } | undefined,
  name: string,
  shape: readonly number[],
): void {
  if (!found) throw new UserError(`${dir} lacks the tensor ${JSON.stringify(name)}.`);
  const info = found.file.info(found.stored);
  const shown = (dims: readonly number[]) => `[${dims.join(', ')}]`;
  if (`${info.shape}` !== `${shape}`)
    throw new UserError(
      `${found.file.path}: the tensor ${JSON.stringify(found.stored)} is ${shown(info.shape)}, and config.json makes it ${shown(shape)}.`,
    );
  if (!floats.has(info.dtype))
    throw new UserError(
      `${found.file.path}: the tensor ${JSON.stringify(found.stored)} holds ${info.dtype}, and F32, F16 or BF16 is needed.`,
    );
}

/** GPT-2's output head is its embedding. */
async function requireTied(dir: string, head: Float32Array, wte: Float32Array): Promise<void> {
  if (head.every((x, i) => x === wte[i])) return;
  throw new UserError(
    `${dir}: lm_head.weight is not the same as wte.weight, and only models with a tied head are computed here.`,
  );
}
