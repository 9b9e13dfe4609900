import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../../electron/engine/models/index.ts';
import { UserError } from '../../../electron/base/errors.ts';
import { openHuggingFaceModel, writeHuggingFaceModel } from '../../../electron/exchange/huggingFace/index.ts';
import { bf16FromFloat32, f16FromFloat32, float32FromBf16, float32FromF16 } from '../../../electron/base/halves.ts';
import { tempDir } from '../../temp.ts';
import { randomWeights, tiny, type Variant, writeFolder } from './model.ts';
import { posix, where } from '../../frame/needs.ts';

async function contentOf(dir: string): Promise<{ config: ModelConfig; weights: Map<string, Float32Array> }> {
  const model = await openHuggingFaceModel(dir);
  try {
    const names = [...randomWeights(model.config, 0).keys()];
    const weights = new Map<string, Float32Array>();
    for (const name of names) weights.set(name, await model.tensor(name));
    return { config: model.config, weights };
  } finally {
    await model.close();
  }
}
const same = (a: Map<string, Float32Array>, b: Map<string, Float32Array>) => {
  for (const [name, values] of a)
    expect([name, Buffer.from(values.buffer).equals(Buffer.from(b.get(name)!.buffer))]).toEqual([name, true]);
};

describe('a Hugging Face folder', () => {
  const weights = randomWeights(tiny, 1);

  it.each<[string, Variant]>([
    ['with the prefix', {}],
    ['without it', { prefix: false }],
    ['with a stored head', { head: 'stored' }],
    ['with masks as parameters', { masks: true, prefix: false }],
    ['in three files', { files: 3 }],
    [
      'of a newer name of the activation',
      { config: { activation_function: 'gelu_pytorch_tanh', n_inner: 16, n_ctx: 8 } },
    ],
  ])('%s is read to the bit', async (_, variant) => {
    const read = await contentOf(await writeFolder(tiny, weights, variant));
    expect(read.config).toEqual(tiny);
    same(read.weights, weights);
  });

  it.each(['F16', 'BF16'] as const)('in %s is read as what was stored', async (dtype) => {
    const rounded = (x: Float32Array) =>
      dtype === 'F16' ? float32FromF16(f16FromFloat32(x)) : float32FromBf16(bf16FromFloat32(x));
    const read = await contentOf(await writeFolder(tiny, weights, { dtype }));
    same(read.weights, new Map([...weights].map(([name, x]) => [name, rounded(x)])));
  });

  it('comes back to the bit when it is written and read again, whatever its dimensions', async () => {
    const dims = fc.record({
      vocabSize: fc.constantFrom(257, 300),
      contextLength: fc.integer({ min: 1, max: 9 }),
      nLayer: fc.integer({ min: 1, max: 3 }),
      nHead: fc.integer({ min: 1, max: 3 }),
      headDim: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(dims, fc.nat(1000), async ({ headDim, ...d }, seed) => {
        const model: ModelConfig = { ...d, nEmbd: d.nHead * headDim, dropout: 0 };
        const own = randomWeights(model, seed);
        const out = path.join(tempDir(), 'out');
        await writeHuggingFaceModel(out, { model, tokenizer: 'bytes', dtype: 'f32', tensor: async (n) => own.get(n)! });
        const read = await contentOf(out);
        expect(read.config).toEqual(model);
        same(read.weights, own);
      }),
      { numRuns: 25 },
    );
  });

  const change = (name: string, patch: object): Variant => ({
    change: (entries) => entries.map((e) => (e.name.endsWith(name) ? { ...e, ...patch } : e)),
  });
  it.each<[string, Variant, RegExp]>([
    ['another model', { config: { model_type: 'llama' } }, /model_type is wrong/],
    [
      'another activation',
      { config: { activation_function: 'relu' } },
      /activation_function is "relu", and only gelu_new/,
    ],
    ['another epsilon', { config: { layer_norm_epsilon: 1e-6 } }, /layer_norm_epsilon is 0\.000001/],
    [
      'scaling by layer',
      { config: { scale_attn_by_inverse_layer_idx: true } },
      /scale_attn_by_inverse_layer_idx is true/,
    ],
    ['another width inside', { config: { n_inner: 8 } }, /n_inner is 8/],
    ['heads that do not divide', { config: { n_head: 3 } }, /not divisible by the number of heads/],
    [
      'a vocabulary that is not its',
      { config: { vocab_size: 300 } },
      /wte\.weight" is \[257, 4\], and config\.json makes it \[300, 4\]/,
    ],
    ['a layer more in its config', { config: { n_layer: 3 } }, /lacks the tensor "h\.2\.ln_1\.weight"/],
    ['a layer more in its file', { config: { n_layer: 1 } }, /has a tensor "h\.1\.ln_1\.weight" that no GPT-2 has/],
    ['a giant size', { config: { n_embd: 1e9 } }, /can't be computed here/],
    ['a tensor missing', { change: (e) => e.slice(1) }, /lacks the tensor "wte\.weight"/],
    [
      'a tensor of whole numbers',
      change('ln_f.bias', { dtype: 'I32', data: new Int32Array(4) }),
      /ln_f\.bias" holds I32/,
    ],
    ['a tensor of another shape', change('ln_f.bias', { shape: [2, 2] }), /ln_f\.bias" is \[2, 2\]/],
    [
      'a head of its own',
      {
        head: 'stored',
        change: (e) => e.map((t) => (t.name === 'lm_head.weight' ? { ...t, data: new Float32Array(257 * 4) } : t)),
      },
      /not the same as wte\.weight/,
    ],
    [
      'a tensor with the prefix and without',
      { change: (e) => [...e, { ...e.at(-1)!, name: 'ln_f.bias' }] },
      /"ln_f\.bias" twice/,
    ],
  ])('with %s is refused by name', async (_, variant, message) => {
    const dir = await writeFolder(tiny, weights, variant);
    await expect(openHuggingFaceModel(dir)).rejects.toThrow(UserError);
    await expect(openHuggingFaceModel(dir)).rejects.toThrow(message);
  });

  it('with a weight that is no number is refused when it is read', async () => {
    const bad = new Float32Array(4).fill(1);
    bad[2] = Number.NaN;
    const dir = await writeFolder(tiny, weights, change('h.1.ln_2.weight', { data: bad }));
    await expect(contentOf(dir)).rejects.toThrow(/h\.1\.ln_2\.weight" holds NaN at element 2/);
  });

  it.each([
    ['../outside.safetensors', /not a file of its folder/],
    ['/etc/passwd', /not a file of its folder/],
    ['a\\b.safetensors', /not a file of its folder/],
    ['..', /not a file of its folder/],
    ['C:model.safetensors', /not a file of its folder/],
    ['missing.safetensors', /can't be read/],
  ])('whose index names %s is refused', async (name, message) => {
    const dir = await writeFolder(tiny, weights, { files: 2 });
    const index = path.join(dir, 'model.safetensors.index.json');
    const value = JSON.parse(fs.readFileSync(index, 'utf8')) as { weight_map: Record<string, string> };
    value.weight_map['transformer.wte.weight'] = name;
    fs.writeFileSync(index, JSON.stringify(value));
    await expect(openHuggingFaceModel(dir)).rejects.toThrow(message);
  });

  where(it, posix)('whose file is a link out of it is refused', async () => {
    const dir = await writeFolder(tiny, weights);
    const outside = path.join(tempDir(), 'weights');
    fs.renameSync(path.join(dir, 'model.safetensors'), outside);
    fs.symlinkSync(outside, path.join(dir, 'model.safetensors'));
    await expect(openHuggingFaceModel(dir)).rejects.toThrow(/is a link out of its folder/);
  });

  it('is read or refused, and nothing else, however it is damaged', { timeout: 3600_000 }, async () => {
    const numRuns = process.env.TRAINYARD_LONG === '1' ? 100_000 : 500;
    const dir = await writeFolder(tiny, weights, { files: 2 });
    const names = fs.readdirSync(dir).sort();
    const originals = new Map(names.map((n) => [n, fs.readFileSync(path.join(dir, n))]));
    const mutation = fc.record({
      file: fc.constantFrom(...names),
      kind: fc.constantFrom('flip', 'cut', 'insert', 'number', 'header'),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      value: fc.nat(255),
    });
    const mutated = (bytes: Buffer, { kind, at, value }: { kind: string; at: number; value: number }): Buffer => {
      const i = Math.floor(at * bytes.length);
      const copy = Buffer.from(bytes);
      if (kind === 'flip') copy[i]! ^= value | 1;
      else if (kind === 'cut') return copy.subarray(0, i);
      else if (kind === 'insert') return Buffer.concat([copy.subarray(0, i), Buffer.from([value]), copy.subarray(i)]);
      else if (kind === 'header') copy[Math.floor(at * Math.min(900, copy.length))] = value;
      else {
        // Another number in a text, in a header too.
        const text = copy.toString('latin1');
        const numbers = [...text.slice(0, 4000).matchAll(/\d+/g)];
        const found = numbers[Math.floor(at * numbers.length)];
        const other = ['0', '-1', '4294967296', '9007199254740993', '1e400', '3'][value % 6]!;
        if (found)
          return Buffer.from(text.slice(0, found.index) + other + text.slice(found.index + found[0].length), 'latin1');
      }
      return copy;
    };
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        const files = new Map<string, Buffer>(originals);
        for (const m of mutations) files.set(m.file, mutated(files.get(m.file)!, m));
        for (const [name, bytes] of files) fs.writeFileSync(path.join(dir, name), bytes);
        try {
          await contentOf(dir);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
          expect((error as Error).message).not.toContain('\n');
          refused++;
        }
      }),
      { numRuns },
    );
    expect(refused).toBeGreaterThan(numRuns / 4);
  });
});
