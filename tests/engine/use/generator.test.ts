import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { type Choice, Generator, type SamplingOptions } from '../../../electron/engine/use/generator.ts';
import { Model } from '../../../electron/engine/models/programs.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import { randomWeights, smallConfig, write } from '../models/small.ts';

const model = new Model(smallConfig);
const never = -1;
const greedy: SamplingOptions = { temperature: 0, topK: 0, seed: 1, maxTokens: 8, endOfText: never };
const prompt = [3, 14, 15];

async function write8(device: Device, options: SamplingOptions, text = prompt, capacity = 13): Promise<number[]> {
  const generator = new Generator(model, capacity);
  const session = await device.load(generator.programs, plan(generator.programs));
  write(session, model.parameters, randomWeights(model.parameters));
  const made: number[] = [];
  for await (const token of generator.generate(session, text, options)) made.push(token);
  session.close();
  return made;
}

/** Logits after the last token of a text, computed from scratch. */
async function logitsAfter(device: Device, text: readonly number[]): Promise<Float32Array> {
  const decode = model.decode(1, text.length, model.cache(1));
  const session = await device.load([decode.program], plan([decode.program]));
  write(session, model.parameters, randomWeights(model.parameters));
  session.write(decode.inputs.tokens, Int32Array.from(text));
  session.write(decode.inputs.position, Int32Array.of(0));
  await session.run(decode.program);
  const logits = session.read(decode.logits) as Float32Array;
  session.close();
  return logits.slice((text.length - 1) * smallConfig.vocabSize);
}

const likeliest = (logits: Float32Array): number => logits.indexOf(Math.max(...logits));

describe.each([tfjs, ...(hasCpu ? [cpu(2)] : [])])('generating on $name', ({ open }) => {
  let device: Device;
  beforeAll(async () => {
    device = await open();
  });

  it('takes the likeliest token at temperature 0, as recomputing from scratch does', async () => {
    const text = [...prompt];
    for (let i = 0; i < greedy.maxTokens; i++) text.push(likeliest(await logitsAfter(device, text)));
    expect(await write8(device, greedy)).toEqual(text.slice(prompt.length));
  });

  it('chooses among the likeliest tokens that together have a probability', async () => {
    const logits = await logitsAfter(device, prompt);
    const top = Math.max(...logits);
    const weights = Array.from(logits, (x) => Math.exp(x - top));
    const total = weights.reduce((a, b) => a + b, 0);
    const order = [...weights.keys()].sort((a, b) => weights[b]! - weights[a]!);
    for (const topP of [1e-6, 0.3, 0.8]) {
      let [sum, size] = [0, 0];
      while (sum < topP) sum += weights[order[size++]!]! / total;
      const nucleus = new Set(order.slice(0, size));
      const chosen = new Set<number>();
      for (let seed = 0; seed < 60; seed++) {
        const options = { temperature: 1, topK: 0, topP, seed, maxTokens: 1, endOfText: never };
        chosen.add((await write8(device, options))[0]!);
      }
      for (const token of chosen) expect(nucleus.has(token), `top-p ${topP}`).toBe(true);
      expect(chosen.size).toBeGreaterThan(Math.min(size - 1, 4));
    }
  });

  it('forgets the older half when the cache is full', async () => {
    const capacity = 6;
    let text = [...prompt];
    const made: number[] = [];
    for (let i = 0; i < greedy.maxTokens; i++) {
      if (text.length > capacity) text = text.slice(-3);
      made.push(likeliest(await logitsAfter(device, text)));
      text.push(made.at(-1)!);
    }
    expect(await write8(device, greedy, prompt, capacity)).toEqual(made);
  });

  it('ends before the end of the text', async () => {
    const all = await write8(device, greedy);
    const at = all.indexOf(all[3]!);
    expect(await write8(device, { ...greedy, endOfText: all[3]! })).toEqual(all.slice(0, at));
  });

  it('writes the same with the same seed, and other things with others', async () => {
    const options = { ...greedy, temperature: 1.5 };
    const one = await write8(device, options);
    expect(await write8(device, options)).toEqual(one);
    expect(await write8(device, { ...options, seed: 2 })).not.toEqual(one);
  });

  it('samples tokens as often as the softmax says, and only the k likeliest', async () => {
    const logits = await logitsAfter(device, prompt);
    const temperature = 0.7;
    const weights = Array.from(logits, (x) => Math.exp(x / temperature));
    const order = Array.from(weights.keys()).sort((a, b) => logits[b]! - logits[a]!);
    const topK = 5;
    const total = order.slice(0, topK).reduce((sum, i) => sum + weights[i]!, 0);
    const generator = new Generator(model, 13);
    const session = await device.load(generator.programs, plan(generator.programs));
    write(session, model.parameters, randomWeights(model.parameters));
    const draws = 300;
    const counts = new Map<number, number>();
    for (let seed = 0; seed < draws; seed++) {
      const options = { ...greedy, temperature, topK, seed, maxTokens: 1 };
      for await (const token of generator.generate(session, prompt, options))
        counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    session.close();
    for (const token of counts.keys()) expect(order.slice(0, topK)).toContain(token);
    for (const token of order.slice(0, topK)) {
      const p = weights[token]! / total;
      const deviations = Math.abs((counts.get(token) ?? 0) - draws * p) / Math.sqrt(draws * p * (1 - p) + 1);
      expect(deviations, `token ${token}`).toBeLessThan(4);
    }
  });

  it.each([
    ['as it is', { temperature: 0.7 }],
    ['of the likeliest ones', { temperature: 1.3, topK: 4 }],
    ['of those that have a probability', { temperature: 1, topP: 0.6 }],
    ['of the likeliest one', { temperature: 0 }],
  ])('gives the probabilities that it samples by, %s, and samples what it does without', async (_, how) => {
    const choices: Choice[] = [];
    const options = { ...greedy, ...how, maxTokens: 6, seed: 5 };
    const made = await write8(device, { ...options, onChoice: (choice) => choices.push(choice) });
    expect(choices.map(({ token }) => token)).toEqual(made);
    expect(await write8(device, options)).toEqual(made);
    const text = [...prompt];
    for (const { token, probability, rank, top } of choices) {
      const logits = await logitsAfter(device, text);
      const order = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
      const weights = order.map((i) => Math.exp((logits[i]! - logits[order[0]!]!) / (how.temperature || 1)));
      let size = order.length;
      if ('topK' in how) size = how.topK;
      if ('topP' in how) {
        const all = weights.reduce((a, b) => a + b, 0);
        let sum = 0;
        for (size = 0; sum < how.topP * all;) sum += weights[size++]!;
      }
      const total = weights.slice(0, size).reduce((a, b) => a + b, 0);
      expect(rank).toBe(order.indexOf(token) + 1);
      expect(probability).toBeCloseTo(weights[rank - 1]! / total, 5);
      const expected = order.slice(0, Math.min(6, size));
      expect(top.map((other) => other.token)).toEqual(expected);
      for (const [i, other] of top.entries()) expect(other.probability).toBeCloseTo(weights[i]! / total, 5);
      text.push(token);
    }
  });

  it('reads a long prompt in pieces, and writes what token by token gives', async () => {
    const long = new Model({ ...smallConfig, contextLength: 90 });
    const text = Array.from({ length: 75 }, (_, i) => (i * 7 + 3) % smallConfig.vocabSize);
    const generator = new Generator(long, 90);
    const decode = long.decode(1, 1, long.cache(1));
    const programs = [...generator.programs, decode.program];
    expect(generator.programs.length).toBeGreaterThan(1);
    const session = await device.load(programs, plan(programs));
    write(session, long.parameters, randomWeights(long.parameters));
    const made: number[] = [];
    for await (const token of generator.generate(session, text, greedy)) made.push(token);
    const plain = [...text];
    for (let at = 0; made.length > plain.length - text.length; at++) {
      session.write(decode.inputs.tokens, Int32Array.of(plain[at]!));
      session.write(decode.inputs.position, Int32Array.of(at));
      await session.run(decode.program);
      if (at === plain.length - 1) plain.push(likeliest(session.read(decode.logits) as Float32Array));
    }
    expect(made).toEqual(plain.slice(text.length));
    session.close();
  });

  it('makes what was said before less likely, as the penalty says', async () => {
    const logits = await logitsAfter(device, prompt);
    const penalty = 3;
    const changed = logits.map((x, i) => (prompt.includes(i) ? (x > 0 ? x / penalty : x * penalty) : x));
    const [first] = await write8(device, { ...greedy, maxTokens: 1, repetitionPenalty: penalty });
    expect(first).toBe(likeliest(changed));
    // So strong that nothing is said twice.
    const all = await write8(device, { ...greedy, repetitionPenalty: 1e6 });
    const positive = Math.max(...logits) > 0;
    if (positive) expect(new Set([...prompt, ...all]).size).toBe(prompt.length + all.length);
  });

  it('tells when it forgets', async () => {
    const reported: number[] = [];
    await write8(device, { ...greedy, onForget: (kept) => reported.push(kept) }, prompt, 6);
    expect(reported).toEqual([3]);
    await write8(device, { ...greedy, maxTokens: 1, onForget: (kept) => reported.push(kept) }, prompt, 2);
    expect(reported.slice(1)).toEqual([2]);
  });

  it('needs a prompt', async () => {
    await expect(write8(device, greedy, [])).rejects.toThrow(/at least one token/);
  });
});
