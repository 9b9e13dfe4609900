import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OwnName, Tokenizer } from '../../../electron/data/tokenizers/types.ts';
import { openDataset, readManifest } from '../../../electron/data/dataset/index.ts';
import { importTokens } from '../../../electron/data/dataset/importTokens.ts';
import { prepareDataset } from '../../../electron/data/index.ts';
import { ownTokenizerOf, useTokenizer } from '../../../electron/data/tokenizers/own/kept.ts';
import { readTokenizer } from '../../../electron/exchange/huggingFace/index.ts';
import { openTokenFile, writeTokenFile } from '../../../electron/exchange/tokens/file.ts';
import { writeFiles } from '../../exchange/huggingFace/own.ts';
import { tempDir } from '../../temp.ts';
import { encodedPlainly, wideEnd, wideParts, wideSize, wideText, wideWhole } from './wide.ts';

async function read(files: Record<string, unknown>): Promise<OwnName> {
  const found = (await readTokenizer(writeFiles(files), { rows: wideSize }))!;
  return useTokenizer({ label: 'wide', definition: found.definition, files: {} });
}

let name: OwnName | undefined;
/** Read once, for it takes a moment. */
const wide = async (): Promise<Tokenizer> => ownTokenizerOf((name ??= await read(wideWhole)));

const beyond = (ids: Iterable<number>): number => [...ids].filter((id) => id > 65_535).length;

describe('a tokenizer of 70,000 tokens', () => {
  it('makes those of the definition, of short words and long ones, and text of them again', async () => {
    const tokenizer = await wide();
    const piece = fc.oneof(
      fc.constantFrom('dryx', 'dsum', 'drop', 'dr', 'xa', ' ', '\n', 'é', '7', "'ll", 'zz'),
      fc.string({ unit: fc.constantFrom('d', 'r', 's', 'y', 'q'), maxLength: 8 }),
    );
    const texts = fc.array(piece, { maxLength: 60 }).map((parts) => parts.join(''));
    let high = 0;
    const agree = (text: string): void => {
      const ids = tokenizer.encode(text);
      expect(ids).toBeInstanceOf(Uint32Array);
      expect([...ids]).toEqual(encodedPlainly(text));
      expect(tokenizer.decode(ids)).toBe(text);
      high += beyond(ids);
    };
    fc.assert(fc.property(texts, agree), { numRuns: 300 });
    agree('drsydsumdryx'.repeat(60)); // a word that is merged by a heap
    agree(wideText(2000));
    expect(high).toBeGreaterThan(1000);
  });

  it('is the same from tokenizer.json and from vocab.json with merges.txt', async () => {
    const tokenizer = await wide();
    expect(await read(wideParts)).toBe(tokenizer.name);
    expect([tokenizer.vocabSize, tokenizer.endOfText]).toEqual([wideSize, wideSize - 1]);
    // In a text it is ordinary text.
    expect([...tokenizer.encode(wideEnd)]).toEqual(encodedPlainly(wideEnd));
  });
});

describe('a dataset of 70,000 kinds of tokens', () => {
  it('has 32 bits for each, says so, and gives them back', async () => {
    const tokenizer = await wide();
    const home = tempDir();
    const [one, two] = [path.join(home, 'one.txt'), path.join(home, 'two.txt')];
    fs.writeFileSync(one, wideText(3000));
    fs.writeFileSync(two, wideText(500));
    const made = await prepareDataset({ home, inputs: [one, two], tokenizer: tokenizer.name, shardTokens: 1000 });
    expect(made).toMatchObject({ vocabSize: wideSize, tokenBytes: 4 });
    const dir = path.join(home, 'datasets', made.name);
    const files = [...made.shards.train, ...made.shards.val];
    for (const { file, tokens } of files) expect(fs.statSync(path.join(dir, file)).size).toBe(4 * tokens);
    const dataset = openDataset(dir);
    const stored = [
      ...dataset.split('train').window(0, made.trainTokens),
      ...dataset.split('val').window(0, made.valTokens),
    ];
    dataset.close();
    expect(beyond(stored)).toBeGreaterThan(1000);
    const documents = stored
      .join(' ')
      .split(` ${tokenizer.endOfText}`)
      .map((d) => d.trim());
    const expected = [wideText(3000), wideText(500)].map((text) => encodedPlainly(text).join(' '));
    expect(documents.filter((d) => d !== '').sort()).toEqual(expected.sort());
  });

  it('is imported from files of 32-bit tokens, and written to them again', async () => {
    const tokenizer = await wide();
    const dir = tempDir();
    const home = path.join(dir, 'home');
    const ids = Uint32Array.from(encodedPlainly(wideText(1500)));
    const options = { home, val: [], tokenizer: tokenizer.name } as const;
    const names = [];
    for (const format of ['nanogpt', 'llmc'] as const) {
      const file = path.join(dir, `${format}.bin`);
      await writeTokenFile(file, format, ids.length, [ids], { tokenBytes: 4 });
      const opened = openTokenFile(file);
      expect([opened.format, opened.type]).toEqual([format === 'llmc' ? 'llmc-llama3' : 'nanogpt', 'uint32']);
      const made = await importTokens({ ...options, train: [file] });
      expect(readManifest(path.join(home, 'datasets', made.name))).toMatchObject({ tokenBytes: 4 });
      const dataset = openDataset(path.join(home, 'datasets', made.name));
      expect([...dataset.split('train').window(0, made.trainTokens)]).toEqual([...ids.slice(0, made.trainTokens)]);
      dataset.close();
      names.push(made.name);
    }
    expect(new Set(names).size).toBe(2);
  });

  it('is refused in one line, and not made, where a token is beyond the vocabulary', async () => {
    const tokenizer = await wide();
    const dir = tempDir();
    const file = path.join(dir, 'wrong.bin');
    const ids = Uint32Array.from(encodedPlainly(wideText(1500)));
    ids[700] = wideSize;
    await writeTokenFile(file, 'nanogpt', ids.length, [ids], { tokenBytes: 4 });
    const options = { home: path.join(dir, 'home'), train: [file], val: [] };
    for (const [vocabulary, size] of [[tokenizer.name, wideSize] as const, ['gpt2', 50_257] as const])
      await expect(importTokens({ ...options, tokenizer: vocabulary })).rejects.toThrow(
        new RegExp(`^[^\\n]*token \\d+ is \\d+, and the vocabulary has ${size}[^\\n]*$`),
      );
    expect(fs.readdirSync(path.join(dir, 'home', 'datasets'))).toEqual([]);
  });
});
