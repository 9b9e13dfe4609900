/** What Trainyard makes of a model, for the real tools to be held against: exports, logits, text, scores, tokens. */
import fs from 'node:fs';
import path from 'node:path';
import { getTokenizer } from '../../electron/data/tokenizers/index.ts';
import { createCpuDevice } from '../../electron/engine/devices/cpu/device.ts';
import type { ModelConfig } from '../../electron/engine/models/index.ts';
import { Model } from '../../electron/engine/models/programs.ts';
import { plan } from '../../electron/engine/program/planner.ts';
import { Generator } from '../../electron/engine/use/generator.ts';
import { scoreItems } from '../../electron/engine/use/hellaswag.ts';
import { Scorer } from '../../electron/engine/use/scorer.ts';
import { parseItems } from '../../electron/evals/hellaswag/items.ts';
import { questionOf } from '../../electron/evals/hellaswag/questions.ts';
import type { ItemScore } from '../../electron/evals/hellaswag/score.ts';
import { openHuggingFaceModel, writeHuggingFaceModel } from '../../electron/exchange/huggingFace/index.ts';
import { readSafetensors, writeWeights } from '../engine/models/golden.ts';
import { goldenPath, textPath } from '../golden/path.ts';

const dtypes = ['f32', 'bf16', 'f16'] as const;
const prompts = ['The king said', 'In the beginning there was', 'def f(x):\n    return'];
/** Tokens that are written to each prompt. */
const written = 24;
const items = 100;

function goldenConfig(): ModelConfig {
  const c = JSON.parse(fs.readFileSync(goldenPath('hellaswag', 'config.json'), 'utf8')) as Record<string, number>;
  const [vocabSize, contextLength, nLayer, nHead, nEmbd] = [
    c.vocab_size!,
    c.n_positions!,
    c.n_layer!,
    c.n_head!,
    c.n_embd!,
  ];
  return { vocabSize, contextLength, nLayer, nHead, nEmbd, dropout: 0 };
}

/** Logits of every token of a text, [tokens, vocabulary] in rows. */
async function logitsOf(
  model: Model,
  weights: Map<string, Float32Array>,
  tokens: readonly number[],
): Promise<Float32Array> {
  const decode = model.decode(1, tokens.length, model.cache(1));
  const session = await createCpuDevice().load([decode.program], plan([decode.program]));
  try {
    writeWeights(session, model.parameters, weights);
    session.write(decode.inputs.tokens, Int32Array.from(tokens));
    session.write(decode.inputs.position, Int32Array.of(0));
    await session.run(decode.program);
    return session.read(decode.logits) as Float32Array;
  } finally {
    session.close();
  }
}

async function greedyText(
  model: Model,
  weights: Map<string, Float32Array>,
  tokens: readonly number[],
): Promise<number[]> {
  const generator = new Generator(model, tokens.length + written);
  const session = await createCpuDevice().load(generator.programs, plan(generator.programs));
  try {
    writeWeights(session, model.parameters, weights);
    const options = { temperature: 0, topK: 0, seed: 1, maxTokens: written, endOfText: -1 };
    const made: number[] = [];
    for await (const token of generator.generate(session, tokens, options)) made.push(token);
    return made;
  } finally {
    session.close();
  }
}

async function scores(model: Model, weights: Map<string, Float32Array>): Promise<ItemScore[]> {
  const scorer = new Scorer(model);
  const session = await createCpuDevice().load([scorer.program], plan([scorer.program]));
  try {
    writeWeights(session, model.parameters, weights);
    const parsed = parseItems(fs.readFileSync(textPath('hellaswag_val_1000.jsonl'), 'utf8'), 'items').slice(0, items);
    const tokenizer = getTokenizer('gpt2');
    const questions = new Map(parsed.map((item, i) => [i, questionOf(item, tokenizer)] as const));
    const found: ItemScore[] = [];
    for await (const some of scoreItems(session, scorer, questions)) found.push(...some);
    return found.sort((a, b) => a.index - b.index);
  } finally {
    session.close();
  }
}

/**
 * Exports the golden model of GPT-2's vocabulary in each type, and computes with what can be read from the export.
 * `ours.json` has the numbers, `NAME.f32` logits as float32.
 */
export async function writeOurs(folder: string): Promise<void> {
  const config = goldenConfig();
  const weights = readSafetensors(goldenPath('hellaswag', 'model.safetensors'));
  const tokenizer = getTokenizer('gpt2');
  const model = new Model(config);
  const cases = [];
  for (const dtype of dtypes) {
    const dir = path.join(folder, dtype);
    await writeHuggingFaceModel(dir, {
      model: config,
      tokenizer: 'gpt2',
      dtype,
      tensor: async (name) => weights.get(name)!,
    });
    const opened = await openHuggingFaceModel(dir);
    const read = new Map<string, Float32Array>();
    for (const name of weights.keys()) read.set(name, await opened.tensor(name));
    await opened.close();
    for (const [i, prompt] of prompts.entries()) {
      const tokens = [...tokenizer.encode(prompt)];
      const logits = await logitsOf(model, read, tokens);
      const file = `${dtype}-${i}.f32`;
      fs.writeFileSync(path.join(folder, file), logits);
      const greedy = await greedyText(model, read, tokens);
      cases.push({ dtype, prompt, tokens, logits: file, greedy, text: tokenizer.decode(greedy) });
    }
  }
  const tricky = (JSON.parse(fs.readFileSync(goldenPath('tokens-gpt2.json'), 'utf8')) as { text: string }[]).map(
    ({ text }) => text,
  );
  const real = ['tinyshakespeare.txt', 'hellaswag_val_1000.jsonl'].map((name) =>
    fs.readFileSync(textPath(name), 'utf8'),
  );
  const texts = [...tricky, ...real].map((text) => ({ text, tokens: [...tokenizer.encode(text)] }));
  const hellaswag = await scores(model, weights);
  fs.writeFileSync(path.join(folder, 'ours.json'), JSON.stringify({ cases, hellaswag, texts }));
}
