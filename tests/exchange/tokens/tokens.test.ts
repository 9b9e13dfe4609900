import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importTokens } from '../../../electron/data/dataset/importTokens.ts';
import { openDataset } from '../../../electron/data/dataset/index.ts';
import { UserError } from '../../../electron/base/errors.ts';
import type { Tokens } from '../../../electron/base/tokens.ts';
import { llmcMagic, openTokenFile, tokenFormats, writeTokenFile } from '../../../electron/exchange/tokens/file.ts';
import { tempDir } from '../../temp.ts';

const all = (blocks: Iterable<Tokens>): number[] => [...blocks].flatMap((b) => [...b]);
const header = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(1024);
  values.forEach((v, i) => bytes.writeInt32LE(v, 4 * i));
  return bytes;
};
const fileOf = (...parts: Buffer[]): string => {
  const file = path.join(tempDir(), 'tokens.bin');
  fs.writeFileSync(file, Buffer.concat(parts));
  return file;
};

describe('files of tokens', () => {
  it.each(tokenFormats)('come back as they were written: %s', async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(65535), { minLength: 1, maxLength: 2000 }), async (tokens) => {
        const file = path.join(tempDir(), 'a.bin');
        await writeTokenFile(file, format, tokens.length, [Uint16Array.from(tokens)]);
        // A nanoGPT file of 512 tokens and more could begin as llm.c's by chance of 1 in 2^32: none of these does.
        const opened = openTokenFile(file);
        expect([opened.format, opened.tokens]).toEqual([format, tokens.length]);
        expect(all(opened.read(65536))).toEqual(tokens);
      }),
      { numRuns: 30 },
    );
  });

  it('have the layouts of nanoGPT and llm.c', async () => {
    const dir = tempDir();
    await writeTokenFile(path.join(dir, 'n.bin'), 'nanogpt', 2, [Uint16Array.of(1, 50256)]);
    expect([...fs.readFileSync(path.join(dir, 'n.bin'))]).toEqual([1, 0, 0x50, 0xc4]);
    await writeTokenFile(path.join(dir, 'l.bin'), 'llmc', 2, [Uint16Array.of(1, 50256)]);
    const bytes = fs.readFileSync(path.join(dir, 'l.bin'));
    expect([bytes.length, bytes.readInt32LE(0), bytes.readInt32LE(4), bytes.readInt32LE(8)]).toEqual([
      1028, 20240520, 1, 2,
    ]);
    expect(bytes.subarray(12, 1024).every((b) => b === 0)).toBe(true);
  });

  it.each<[string, Buffer[], RegExp]>([
    ['an odd number of bytes', [Buffer.alloc(5)], /odd number of bytes \(5\)/],
    ['nothing', [], /it is empty/],
    ['another version', [header(llmcMagic, 7, 2), Buffer.alloc(4)], /version 7/],
    [
      'more tokens than announced',
      [header(llmcMagic, 1, 1), Buffer.alloc(4)],
      /announces 1 token and it has room for 2/,
    ],
    [
      'fewer tokens than announced',
      [header(llmcMagic, 1, 2_000_000_000), Buffer.alloc(4)],
      /announces 2,000,000,000 tokens/,
    ],
    ['a negative number of tokens', [header(llmcMagic, 1, -1)], /announces -1/],
  ])('with %s are refused', (_, parts, message) => {
    const file = fileOf(...parts);
    expect(() => openTokenFile(file)).toThrow(UserError);
    expect(() => openTokenFile(file)).toThrow(message);
  });

  it('are never written over', async () => {
    const file = fileOf(Buffer.from('mine'));
    await expect(writeTokenFile(file, 'nanogpt', 1, [Uint16Array.of(1)])).rejects.toThrow(/is there already/);
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
  });

  it('say how far they are, and are not left behind where they are stopped', async () => {
    const dir = tempDir();
    const controller = new AbortController();
    const done: number[] = [];
    const writing = writeTokenFile(
      path.join(dir, 'a.bin'),
      'llmc',
      6,
      [1, 2, 3].map((n) => Uint16Array.of(n, n)),
      {
        signal: controller.signal,
        onProgress({ doneTokens, totalTokens }) {
          // Killed now, it would leave nothing that looks whole.
          expect(fs.existsSync(path.join(dir, 'a.bin'))).toBe(false);
          done.push(doneTokens, totalTokens);
          if (doneTokens === 4) controller.abort(new Error('enough'));
        },
      },
    );
    await expect(writing).rejects.toThrow('enough');
    expect([done, fs.readdirSync(dir)]).toEqual([[2, 6, 4, 6], []]);
  });
});

describe('a dataset of tokens', () => {
  const tokens = Uint16Array.from({ length: 1000 }, (_, i) => i % 257);
  const bin = (part: Uint16Array): Buffer =>
    Buffer.from(part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength));

  it('holds them in order, the end for validation, and is made once', async () => {
    const home = tempDir();
    const files = [fileOf(bin(tokens.subarray(0, 600))), fileOf(header(llmcMagic, 1, 400), bin(tokens.subarray(600)))];
    const options = { home, train: files, val: [], tokenizer: 'bytes', shardTokens: 333 } as const;
    const manifest = await importTokens(options);
    expect([manifest.trainTokens, manifest.valTokens]).toEqual([900, 100]);
    const dataset = openDataset(path.join(home, 'datasets', manifest.name));
    expect([...dataset.split('train').window(0, 900)]).toEqual([...tokens.subarray(0, 900)]);
    expect([...dataset.split('val').window(0, 100)]).toEqual([...tokens.subarray(900)]);
    dataset.close();
    expect(await importTokens(options)).toEqual(manifest);
    const apart = await importTokens({ ...options, train: [files[0]!], val: [files[1]!] });
    expect([apart.trainTokens, apart.valTokens]).toEqual([600, 400]);
    expect(apart.name).not.toBe(manifest.name);
  });

  it('is refused, and leaves nothing, when a token is not of the vocabulary', async () => {
    const home = tempDir();
    const train = [fileOf(bin(Uint16Array.of(1, 2, 257, 4)))];
    await expect(importTokens({ home, train, val: [], tokenizer: 'bytes' })).rejects.toThrow(
      /token 2 is 257, and the vocabulary has 257/,
    );
    expect(fs.readdirSync(path.join(home, 'datasets'))).toEqual([]);
    const one = [fileOf(bin(Uint16Array.of(1)))];
    await expect(importTokens({ home, train: one, val: [], tokenizer: 'bytes' })).rejects.toThrow(/too few/);
  });
});
