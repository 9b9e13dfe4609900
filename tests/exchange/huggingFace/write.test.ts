import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getTokenizer } from '../../../electron/data/tokenizers/index.ts';
import { UserError } from '../../../electron/base/errors.ts';
import {
  type ModelExport,
  tokenizerFiles,
  writeHuggingFaceModel,
} from '../../../electron/exchange/huggingFace/index.ts';
import { mergesOf } from '../../../electron/exchange/huggingFace/tokenizer.ts';
import { goldenPath } from '../../golden/path.ts';
import { tempDir } from '../../temp.ts';
import { randomWeights, tiny } from './model.ts';

const weights = randomWeights(tiny, 3);
const content = (changes: Partial<ModelExport> = {}): ModelExport => ({
  model: tiny,
  tokenizer: 'bytes',
  dtype: 'f32',
  tensor: async (name) => weights.get(name)!,
  ...changes,
});

/**
 * Byte-level byte-pair encoding as its inventors describe it (Sennrich et al. 2016; Radford et al. 2019), read from the files
 * alone: the slow way, merge by merge.
 */
class PlainBpe {
  readonly #vocab: Record<string, number>;
  readonly #rank: Map<string, number>;
  readonly #letter: string[] = [];

  constructor(files: Readonly<Record<string, string>>) {
    this.#vocab = JSON.parse(files['vocab.json']!) as Record<string, number>;
    const lines = files['merges.txt']!.split('\n').slice(1).filter(Boolean);
    this.#rank = new Map(lines.map((line, i) => [line, i]));
    let extra = 0;
    for (let b = 0; b < 256; b++) {
      const shown = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
      this.#letter.push(String.fromCodePoint(shown ? b : 256 + extra++));
    }
  }

  encode(text: string): number[] {
    const words = text.match(/'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu) ?? [];
    return words.flatMap((word) => {
      let parts = [...Buffer.from(word)].map((b) => this.#letter[b]!);
      for (;;) {
        const pairs = parts.slice(1).map((p, i) => this.#rank.get(`${parts[i]} ${p}`) ?? Infinity);
        const best = Math.min(...pairs, Infinity);
        if (best === Infinity) break;
        const at = pairs.indexOf(best);
        parts = [...parts.slice(0, at), parts[at]! + parts[at + 1]!, ...parts.slice(at + 2)];
      }
      return parts.map((p) => this.#vocab[p]!);
    });
  }
}

describe('tokenizer files', () => {
  const gpt2 = new PlainBpe(tokenizerFiles('gpt2', 1024));

  it('of GPT-2 give the golden tokens', () => {
    const cases = JSON.parse(fs.readFileSync(goldenPath('tokens-gpt2.json'), 'utf8')) as {
      text: string;
      ids: number[];
    }[];
    for (const { text, ids } of cases) expect([text, gpt2.encode(text)]).toEqual([text, ids]);
  });

  it('of GPT-2 give our tokens for any text', () => {
    const { encode } = getTokenizer('gpt2');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        fc.pre(text.isWellFormed());
        expect(gpt2.encode(text)).toEqual([...encode(text)]);
      }),
    );
  });

  it('have the sizes and the first merges that are published', () => {
    const files = tokenizerFiles('gpt2', 1024);
    const lines = files['merges.txt']!.split('\n').filter(Boolean);
    expect(lines.length).toBe(50_001);
    expect(lines.slice(0, 6)).toEqual(['#version: 0.2', 'Ġ t', 'Ġ a', 'h e', 'i n', 'r e']);
    const vocab = JSON.parse(files['vocab.json']!) as Record<string, number>;
    expect(Object.keys(vocab).length).toBe(50_257);
    expect([vocab['!'], vocab['Ġthe'], vocab['<|endoftext|>']]).toEqual([0, 262, 50_256]);
    const whole = JSON.parse(files['tokenizer.json']!) as { model: { vocab: unknown; merges: string[] } };
    expect(whole.model.vocab).toEqual(vocab);
    expect(whole.model.merges).toEqual(lines.slice(1));
  });

  it('of bytes give bytes', () => {
    const bytes = new PlainBpe(tokenizerFiles('bytes', 64));
    const text = 'naïve 漢字\n\t end';
    expect(bytes.encode(text)).toEqual([...getTokenizer('bytes').encode(text)]);
  });

  it('need a way to every token', () => {
    const letters = Array.from({ length: 256 }, (_, i) => String.fromCodePoint(0x3000 + i));
    expect(mergesOf([...letters, letters[0]! + letters[1]!])).toEqual([[letters[0], letters[1]]]);
    expect(() => mergesOf([...letters, letters[0]! + letters[1]! + letters[2]!])).toThrow(/no merges lead/);
  });
});

describe('an export', () => {
  it('is refused where something else is, and replaces an earlier one only when told', async () => {
    const dir = path.join(tempDir(), 'out');
    await writeHuggingFaceModel(dir, content());
    expect(fs.readdirSync(dir).sort()).toEqual([
      '.trainyard-export',
      'config.json',
      'generation_config.json',
      'merges.txt',
      'model.safetensors',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.json',
    ]);
    await expect(writeHuggingFaceModel(dir, content())).rejects.toThrow(/--force/);
    await writeHuggingFaceModel(dir, content({ force: true, files: { 'README.md': '# new' } }));
    expect(fs.readFileSync(path.join(dir, 'README.md'), 'utf8')).toBe('# new');
    expect(fs.readdirSync(path.dirname(dir))).toEqual(['out']);

    const other = tempDir();
    fs.writeFileSync(path.join(other, 'thesis.tex'), 'years of work');
    await expect(writeHuggingFaceModel(other, content({ force: true }))).rejects.toThrow(/not an existing export/);
    await expect(writeHuggingFaceModel(path.join(other, 'thesis.tex'), content())).rejects.toThrow(/is a file/);
    expect(fs.readdirSync(other)).toEqual(['thesis.tex']);
  });

  it.each([
    ['what float16 can’t hold', 'f16', 7e4, /wpe\.weight holds 70000, which float16 can't/],
    ['what is no number', 'f32', Number.NaN, /wpe\.weight holds NaN/],
    ['what is infinite', 'bf16', Infinity, /wpe\.weight holds Infinity/],
  ] as const)('of %s is refused and leaves nothing', async (_, dtype, value, message) => {
    const dir = path.join(tempDir(), 'out');
    const tensor = async (name: string) => {
      const values = Float32Array.from(weights.get(name)!);
      if (name === 'wpe.weight') values[1] = value;
      return values;
    };
    await expect(writeHuggingFaceModel(dir, content({ dtype, tensor }))).rejects.toThrow(UserError);
    await expect(writeHuggingFaceModel(dir, content({ dtype, tensor }))).rejects.toThrow(message);
    expect(fs.readdirSync(path.dirname(dir))).toEqual([]);
  });
});
