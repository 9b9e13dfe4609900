import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openHuggingFaceModel } from '../../../electron/exchange/huggingFace/index.ts';
import { UserError } from '../../../electron/base/errors.ts';
import { tempDir } from '../../temp.ts';
import { configOf, randomWeights, tiny, writeFolder } from './model.ts';
import { writeFiles } from './own.ts';

const [newer, older] = [randomWeights(tiny, 1), randomWeights(tiny, 2)];
const name = 'wte.weight';

async function opened(dir: string) {
  const model = await openHuggingFaceModel(dir);
  onTestFinished(() => model.close());
  return model;
}

describe("a Hugging Face folder's weights", () => {
  it('are those of model.safetensors, whatever an index of an earlier save says beside it', async () => {
    const dir = await writeFolder(tiny, newer);
    const before = await writeFolder(tiny, older, { files: 2 });
    for (const file of fs.readdirSync(before))
      if (file !== 'config.json') fs.copyFileSync(path.join(before, file), path.join(dir, file));
    const model = await opened(dir);
    expect(await model.tensor(name)).toEqual(newer.get(name));
    expect(model.notices).toEqual([
      expect.stringMatching(/^model\.safetensors is taken, and .*index\.json beside it is not/),
    ]);
    // Without it the index counts, and nothing is to be said.
    fs.rmSync(path.join(dir, 'model.safetensors'));
    const parts = await opened(dir);
    expect(await parts.tensor(name)).toEqual(older.get(name));
    expect(parts.notices).toEqual([]);
    fs.rmSync(path.join(dir, 'model-00002-of-00002.safetensors'));
    await expect(openHuggingFaceModel(dir)).rejects.toThrow(
      /model-00002-of-00002\.safetensors, which model\.safetensors\.index\.json names, can't be read/,
    );
  });

  it('are read beside JSON with byte order marks', async () => {
    const dir = await writeFolder(tiny, newer, { files: 2 });
    for (const file of ['config.json', 'model.safetensors.index.json']) {
      const at = path.join(dir, file);
      fs.writeFileSync(at, `\ufeff${fs.readFileSync(at, 'utf8')}`);
    }
    expect(await (await opened(dir)).tensor(name)).toEqual(newer.get(name));
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'a pickle',
      { 'pytorch_model.bin': 'x' },
      /pytorch_model\.bin is a pickle, .*: convert it once with Python, GPT2LMHeadModel\.from_pretrained\(.*\)\.save_pretrained/,
    ],
    [
      'a pickle in parts',
      { 'pytorch_model-00001-of-00002.bin': 'x', 'training_args.bin': 'x' },
      /pytorch_model-00001-of-00002\.bin is a pickle/,
    ],
    ["PyTorch's own", { 'ckpt.pt': 'x' }, /ckpt\.pt is a pickle/],
    ['TensorFlow', { 'tf_model.h5': 'x' }, /tf_model\.h5 is TensorFlow's: .*from_tf=True/],
    ['Flax', { 'flax_model.msgpack': 'x' }, /flax_model\.msgpack is Flax's: .*from_flax=True/],
    ['GGUF', { 'gpt2.Q8_0.gguf': 'x' }, /gpt2\.Q8_0\.gguf is a GGUF file, made for llama\.cpp/],
    ['an adapter', { 'adapter_model.safetensors': 'x' }, /an adapter \(LoRA\).*merge it/],
    ['another name', { 'gpt2.safetensors': 'x' }, /if gpt2\.safetensors holds the model, rename it/],
    ['nothing', {}, /has no model\.safetensors: the folder of a Hugging Face GPT-2 model is needed/],
  ])('are told for what they are where they can’t be read: %s', async (_, files, message) => {
    const dir = writeFiles({ 'config.json': configOf(tiny), ...files });
    const reading = openHuggingFaceModel(dir);
    await expect(reading).rejects.toThrow(UserError);
    await expect(reading).rejects.toThrow(message);
    await reading.catch((error: Error) => expect(error.message).not.toContain('\n'));
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a type of model', { model_type: undefined }, /config\.json: model_type is missing: only GPT-2/],
    ['GPT-2 as its type', { model_type: 'llama' }, /model_type is wrong \("llama"\)/],
    ['a number of layers', { n_layer: undefined }, /n_layer is wrong \(.+\): only GPT-2/],
    ['a whole number of heads', { n_head: 'two' }, /n_head is wrong \(.+\): only GPT-2/],
  ])('are not read where the config lacks %s', async (_, change, message) => {
    const dir = writeFiles({ 'config.json': { ...configOf(tiny), ...change } });
    await expect(openHuggingFaceModel(dir)).rejects.toThrow(message);
  });

  it('are looked for in a folder, not in a file', async () => {
    const file = path.join(writeFiles({ 'model.gguf': 'x' }), 'model.gguf');
    await expect(openHuggingFaceModel(file)).rejects.toThrow(/is a file: name the folder/);
    await expect(openHuggingFaceModel(path.join(tempDir(), 'none'))).rejects.toThrow(/there is no such folder/);
    const pointer = writeFiles({ 'config.json': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' });
    await expect(openHuggingFaceModel(pointer)).rejects.toThrow(/config\.json is a Git LFS pointer/);
  });
});
