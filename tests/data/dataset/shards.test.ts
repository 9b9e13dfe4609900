import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Manifest, openDataset, ShardWriter } from '../../../electron/data/dataset/index.ts';
import { tempDir } from '../../temp.ts';

/** Writes tokens as a dataset: training, and the same reversed for validation. */
function dataset(dir: string, tokens: readonly number[], shardTokens: number, chunk = 7): Manifest {
  const splits = { train: tokens, val: [...tokens].reverse() };
  const shards = Object.fromEntries(
    Object.entries(splits).map(([name, all]) => {
      const writer = new ShardWriter(dir, name as 'train' | 'val', shardTokens);
      for (let i = 0; i < all.length; i += chunk) writer.write(Uint16Array.from(all.slice(i, i + chunk)));
      writer.close();
      expect(writer.tokens).toBe(all.length);
      return [name, [...writer.shards]];
    }),
  ) as unknown as Manifest['shards'];
  const manifest: Manifest = {
    version: 1,
    name: 'test',
    tokenizer: 'bytes',
    vocabSize: 65536,
    trainTokens: tokens.length,
    valTokens: tokens.length,
    shards,
    sources: [],
    settings: { valFraction: 0.5 },
    createdAt: new Date(0).toISOString(),
  };
  fs.writeFileSync(path.join(dir, 'dataset.json'), JSON.stringify(manifest));
  return manifest;
}

const token = fc.integer({ min: 0, max: 65535 });

test('any window reads what was written, over any borders of shards', () => {
  fc.assert(
    fc.property(
      fc.array(token, { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat(),
      fc.nat(),
      (tokens, shardTokens, chunk, a, b) => {
        const dir = fs.mkdtempSync(path.join(tempRoot(), 'shards-'));
        dataset(dir, tokens, shardTokens, chunk);
        const open = openDataset(dir);
        const [start, length] = [a % tokens.length, 1 + (b % tokens.length)];
        const end = Math.min(tokens.length, start + length);
        expect([...open.split('train').window(start, end - start)]).toEqual(tokens.slice(start, end));
        expect([...open.split('val').window(0, tokens.length)]).toEqual([...tokens].reverse());
        expect(() => open.split('train').window(start, tokens.length + 1)).toThrow(/outside/);
        open.close();
      },
    ),
    { numRuns: 40 },
  );
});

let root: string | undefined;
const tempRoot = (): string => (root ??= tempDir());

test('tokens lie in files as little-endian 16-bit numbers, each with its hash', () => {
  const dir = tempDir();
  const { shards } = dataset(dir, [1, 258, 65535], 2);
  const first = fs.readFileSync(path.join(dir, 'train-00000.bin'));
  expect([...first]).toEqual([1, 0, 2, 1]);
  expect(shards.train.map((s) => s.tokens)).toEqual([2, 1]);
  expect(shards.train[0]!.sha256).toBe(createHash('sha256').update(first).digest('hex'));
});

test('a file that is missing or of another length is refused by name', () => {
  const dir = tempDir();
  dataset(dir, [1, 2, 3, 4, 5], 3);
  const file = path.join(dir, 'train-00001.bin');
  fs.truncateSync(file, 2);
  expect(() => openDataset(dir)).toThrow(/train-00001\.bin has 2 bytes instead of 4.*tokenize the dataset again/);
  fs.rmSync(file);
  expect(() => openDataset(dir)).toThrow(/train-00001\.bin is missing.*tokenize the dataset again/);
});

test('a token that the vocabulary does not have is no token', () => {
  const dir = tempDir();
  const manifest = dataset(dir, [1, 2, 3, 256], 10);
  expect([...openDataset(dir).split('train').window(0, 4)]).toEqual([1, 2, 3, 256]);
  fs.writeFileSync(path.join(dir, 'dataset.json'), JSON.stringify({ ...manifest, vocabSize: 256 }));
  const damaged = openDataset(dir);
  expect([...damaged.split('train').window(0, 3)]).toEqual([1, 2, 3]);
  expect(() => damaged.split('train').window(2, 2)).toThrow(/is damaged \(token 256 of 256\)/);
  damaged.close();
});

test('a description that is missing or damaged is refused by name', () => {
  const dir = tempDir();
  expect(() => openDataset(dir)).toThrow(/There is no dataset in/);
  for (const text of ['', '{"version":1', '{"version":2}', '[]']) {
    fs.writeFileSync(path.join(dir, 'dataset.json'), text);
    expect(() => openDataset(dir), text).toThrow(/dataset\.json is damaged/);
  }
});

test('the description says how wide tokens are: the same ones read the same, and wrong widths are told', () => {
  const [narrow, wide] = [tempDir(), tempDir()];
  const tokens = Array.from({ length: 50 }, (_, i) => i * 1307);
  const manifest = dataset(narrow, tokens, 20);
  const splits = { train: tokens, val: tokens.toReversed() };
  const shards = Object.fromEntries(
    Object.entries(splits).map(([name, all]) => {
      const writer = new ShardWriter(wide, name as 'train' | 'val', 20);
      writer.write(Uint32Array.from(all));
      writer.close();
      return [name, writer.shards];
    }),
  );
  const describeWide = (tokenBytes: number) =>
    fs.writeFileSync(path.join(wide, 'dataset.json'), JSON.stringify({ ...manifest, shards, tokenBytes }));
  describeWide(4);
  expect([...fs.readFileSync(path.join(wide, 'train-00000.bin')).subarray(4, 8)]).toEqual([0x1b, 0x05, 0, 0]);
  const [one, other] = [openDataset(narrow), openDataset(wide)];
  for (const name of ['train', 'val'] as const)
    expect(other.split(name).window(13, 30)).toEqual(one.split(name).window(13, 30));
  one.close();
  other.close();
  describeWide(2);
  expect(() => openDataset(wide)).toThrow(/has 80 bytes instead of 40: tokenize the dataset again/);
  describeWide(3);
  expect(() => openDataset(wide)).toThrow(/is damaged/);
});
