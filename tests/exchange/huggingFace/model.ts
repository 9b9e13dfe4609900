import fs from 'node:fs';
import path from 'node:path';
import { parameterCount, type ModelConfig } from '../../../electron/engine/models/index.ts';
import { parameterTable } from '../../../electron/engine/models/index.ts';
import { bf16FromFloat32, f16FromFloat32 } from '../../../electron/base/halves.ts';
import { type TensorSource, writeSafetensors } from '../../../electron/exchange/safetensors/index.ts';
import { Random } from '../../engine/random.ts';
import { tempDir } from '../../temp.ts';

export const tiny: ModelConfig = { vocabSize: 257, contextLength: 8, nLayer: 2, nHead: 2, nEmbd: 4, dropout: 0 };

/** Random weights by our names. */
export function randomWeights(model: ModelConfig, seed: number): Map<string, Float32Array> {
  const random = new Random(seed);
  return new Map(
    parameterTable(model).map(({ name, fileShape }) => [
      name,
      random.normals(
        fileShape.reduce((a, b) => a * b, 1),
        0.5,
      ),
    ]),
  );
}

export interface Variant {
  readonly dtype?: 'F32' | 'F16' | 'BF16';
  readonly prefix?: boolean;
  readonly head?: 'tied' | 'stored';
  readonly masks?: boolean;
  readonly files?: number;
  readonly config?: Record<string, unknown>;
  /** Changes the tensors before they are written. */
  readonly change?: (entries: TensorSource[]) => TensorSource[];
}

export const configOf = (m: ModelConfig): Record<string, unknown> => ({
  model_type: 'gpt2',
  vocab_size: m.vocabSize,
  n_positions: m.contextLength,
  n_embd: m.nEmbd,
  n_layer: m.nLayer,
  n_head: m.nHead,
});

/** A Hugging Face folder as its library or others write it. */
export async function writeFolder(
  model: ModelConfig,
  weights: Map<string, Float32Array>,
  variant: Variant = {},
): Promise<string> {
  const {
    dtype = 'F32',
    prefix = true,
    head = 'tied',
    masks = false,
    files = 1,
    config = {},
    change = (e) => e,
  } = variant;
  if (parameterCount(model) === 0) throw new Error('no model');
  const dir = tempDir();
  const convert = (x: Float32Array) => (dtype === 'F32' ? x : dtype === 'F16' ? f16FromFloat32(x) : bf16FromFloat32(x));
  const named = (name: string) => (prefix ? `transformer.${name}` : name);
  const entries: TensorSource[] = parameterTable(model).map(({ name, fileShape }) => ({
    name: named(name),
    dtype,
    shape: fileShape,
    data: convert(weights.get(name)!),
  }));
  if (head === 'stored') entries.push({ ...entries[0]!, name: 'lm_head.weight' });
  if (masks)
    for (let i = 0; i < model.nLayer; i++)
      entries.push({ name: named(`h.${i}.attn.bias`), dtype: 'U8', shape: [1, 1, 2, 2], data: new Uint8Array(4) });
  const all = change(entries);
  fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify({ ...configOf(model), ...config }));
  if (files === 1) {
    await writeSafetensors(path.join(dir, 'model.safetensors'), all);
    return dir;
  }
  const map: Record<string, string> = {};
  for (let f = 0; f < files; f++) {
    const name = `model-${String(f + 1).padStart(5, '0')}-of-${String(files).padStart(5, '0')}.safetensors`;
    const part = all.filter((_, i) => i % files === f);
    for (const entry of part) map[entry.name] = name;
    await writeSafetensors(path.join(dir, name), part);
  }
  fs.writeFileSync(path.join(dir, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map }));
  return dir;
}
