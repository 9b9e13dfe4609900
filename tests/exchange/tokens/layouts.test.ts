import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { importTokens } from '../../../electron/data/dataset/importTokens.ts';
import { openDataset } from '../../../electron/data/dataset/index.ts';
import { openTokenFile, type TokenType } from '../../../electron/exchange/tokens/file.ts';
import { tempDir } from '../../temp.ts';

/** Text-like: GPT-2's tokens of all sizes, none too often. */
const tokens = Array.from({ length: 3000 }, (_, i) => (i % 7 === 0 ? 13 : (i * 7919) % 50257));

const little = {
  u1: (xs: readonly number[]) => Buffer.from(Uint8Array.from(xs)),
  u2: (xs: readonly number[]) => Buffer.from(Uint16Array.from(xs).buffer),
  u4: (xs: readonly number[]) => Buffer.from(Uint32Array.from(xs).buffer),
  i4: (xs: readonly number[]) => Buffer.from(Int32Array.from(xs).buffer),
  i8: (xs: readonly number[]) => Buffer.from(BigInt64Array.from(xs, BigInt).buffer),
};

/** As NumPy writes it (NEP 1). */
function npy(descr: string, shape: string, data: Buffer, version = 1): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const fixed = version === 1 ? 10 : 12;
  const padded = `${text.padEnd(Math.ceil((fixed + text.length + 1) / 64) * 64 - fixed - 1)}\n`;
  const head = Buffer.alloc(fixed);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  if (version === 1) head.writeUInt16LE(padded.length, 8);
  else head.writeUInt32LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(padded, 'latin1'), data]);
}

const llmc = (magic: number, version: number, count: number, data: Buffer, big = false): Buffer => {
  const head = Buffer.alloc(1024);
  for (const [i, value] of [magic, version, count].entries())
    if (big) head.writeInt32BE(value, 4 * i);
    else head.writeInt32LE(value, 4 * i);
  return Buffer.concat([head, data]);
};

function written(content: Buffer | string, name = 'tokens.bin'): string {
  const file = path.join(tempDir(), name);
  fs.writeFileSync(file, content);
  return file;
}

const n = tokens.length;

describe('the tokens of a file', () => {
  it.each<[string, Buffer, string, TokenType?]>([
    ['uint16 in .npy', npy('<u2', `(${n},)`, little.u2(tokens)), 'npy uint16'],
    ['int32 in .npy', npy('<i4', `(${n},)`, little.i4(tokens)), 'npy int32'],
    ['uint32 in .npy of version 2', npy('<u4', `(${n},)`, little.u4(tokens), 2), 'npy uint32'],
    ['int64 in .npy', npy('<i8', `(${n},)`, little.i8(tokens)), 'npy int64'],
    ['uint64 in .npy', npy('<u8', `(${n},)`, little.i8(tokens)), 'npy int64'],
    ['uint16 without a header', little.u2(tokens), 'nanogpt uint16'],
    ['uint32 without a header', little.u4(tokens), 'nanogpt uint32'],
    ['int64 without a header', little.i8(tokens), 'nanogpt int64'],
    ['uint32 by its flag', little.u4(tokens), 'nanogpt uint32', 'uint32'],
    ["llm.c's GPT-2", llmc(20240520, 1, n, little.u2(tokens)), 'llmc uint16'],
    ["llm.c's Llama 3", llmc(20240801, 7, n, little.u4(tokens)), 'llmc-llama3 uint32'],
  ])('are read right: %s', (_, content, expected, type) => {
    const opened = openTokenFile(written(content), type);
    expect(`${opened.format} ${opened.type}`).toBe(expected);
    expect(opened.tokens).toBe(n);
    expect([...opened.read(50257)].flatMap((block) => [...block])).toEqual(tokens);
  });

  it('say so where their type was found out by how they look', () => {
    expect(openTokenFile(written(little.u4(tokens))).notice).toMatch(/taken for uint32: --dtype says otherwise/);
    expect(openTokenFile(written(little.u2(tokens))).notice).toBeUndefined();
    expect(openTokenFile(written(little.u4(tokens)), 'uint32').notice).toBeUndefined();
  });

  it("are of the type that Megatron's index beside them says", () => {
    const file = written(little.i4(tokens.map((t) => t % 8)));
    const index = Buffer.alloc(34);
    index.write('MMIDIDX\0\0', 'latin1');
    index[9] = 1;
    index[17] = 4;
    fs.writeFileSync(file.replace('.bin', '.idx'), index);
    expect(openTokenFile(file).type).toBe('int32');
    expect(() => openTokenFile(file.replace('.bin', '.idx'))).toThrow(/Megatron's index: name the \.bin/);
  });

  it.each<[string, Buffer | string, RegExp, TokenType?]>([
    ['floats', npy('<f4', '(4,)', Buffer.alloc(16)), /a \.npy file of <f4: save array\.astype/],
    ['big-endian .npy', npy('>u2', '(4,)', Buffer.alloc(8)), /\.npy file of >u2, big-endian/],
    ['two dimensions', npy('<u2', '(2, 2)', Buffer.alloc(8)), /of shape \(2, 2\): one row of tokens/],
    ['no dimension', npy('<u2', '()', Buffer.alloc(2)), /of shape \(\)/],
    ['records', npy("', [('a', '<u2')], '", '(4,)', Buffer.alloc(8)), /is no usable file of tokens/],
    ['.npy cut off', npy('<u2', '(5,)', Buffer.alloc(8)), /announces 5 tokens and it has room for 4/],
    ['.npy cut off in its header', npy('<u2', '(5,)', Buffer.alloc(0)).subarray(0, 40), /cut off in its header/],
    ['.npy longer than it says', npy('<u2', '(3,)', Buffer.alloc(8)), /announces 3 tokens and it has room for 4/],
    ['an empty .npy', npy('<u2', '(0,)', Buffer.alloc(0)), /it is empty/],
    [
      'another type than asked for',
      npy('<u2', '(4,)', Buffer.alloc(8)),
      /says uint16, and int32 was asked for/,
      'int32',
    ],
    ["llm.c's big-endian", llmc(20240520, 1, 2, Buffer.alloc(4), true), /llm\.c's, big-endian/],
    ["another version of llm.c's Llama 3", llmc(20240801, 1, 2, Buffer.alloc(8)), /version 1, and 7/],
    ["llm.c's Llama 3, cut off", llmc(20240801, 7, 3, Buffer.alloc(8)), /announces 3 tokens and it has room for 2/],
    ['a ZIP', Buffer.from('PK\x03\x04aaaa'), /a ZIP archive/],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), /compressed \(gzip\)/],
    [
      'text',
      'She sells sea shells by the sea shore, and the shells she sells are sea shells.',
      /it is text: add it with/,
    ],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n', /Git LFS pointer/],
    ['uint32 in 6 bytes', Buffer.alloc(6), /it has 6 bytes, and a token \(uint32\) takes 4/, 'uint32'],
  ])('are refused by what they are: %s', (_, content, message, type) => {
    expect(() => openTokenFile(written(content), type)).toThrow(message);
  });

  it('are refused where the vocabulary does not have them, with the first place', () => {
    const large = [1, 2, 128_000, ...tokens];
    const read = (content: Buffer) => [...openTokenFile(written(content)).read(50257)];
    expect(() => read(llmc(20240801, 7, large.length, little.u4(large)))).toThrow(
      /token 2 is 128000, and the vocabulary has 50257\.$/,
    );
    expect(() => read(npy('<i8', '(3,)', little.i8([5, -1, 2])))).toThrow(/token 1 is -1/);
    expect(() => read(little.u2(tokens).swap16())).toThrow(/with its bytes swapped all are, so it looks big-endian/);
  });
});

describe('a dataset of files of tokens', () => {
  const made = async (content: Buffer, options: Partial<Parameters<typeof importTokens>[0]> = {}, beside?: string) => {
    const home = tempDir();
    const file = written(content);
    if (beside) fs.writeFileSync(path.join(path.dirname(file), beside), 'x');
    const notices: string[] = [];
    const onNotice = (notice: string) => void notices.push(notice);
    const manifest = await importTokens({ home, train: [file], val: [], tokenizer: 'gpt2', onNotice, ...options });
    const dataset = openDataset(path.join(home, 'datasets', manifest.name));
    const { trainTokens } = manifest;
    const content_ = [...dataset.split('train').window(0, trainTokens)];
    dataset.close();
    return { name: manifest.name, train: content_, notices };
  };

  it('holds the same tokens whatever they are stored in, under a name of its own', async () => {
    const all = [
      await made(little.u2(tokens)),
      await made(npy('<u2', `(${n},)`, little.u2(tokens))),
      await made(little.i8(tokens)),
      await made(llmc(20240801, 7, n, little.u4(tokens))),
    ];
    for (const { train } of all) expect(train).toEqual(tokens.slice(0, 2700));
    expect(new Set(all.map((d) => d.name)).size).toBe(4);
    // Read in another way the same bytes are another dataset.
    const forced = await made(little.u4(tokens), { type: 'uint16', force: true });
    expect(forced.name).not.toBe((await made(little.u4(tokens))).name);
  });

  it.each<[string, Buffer, RegExp, string?]>([
    ['every second one the same', little.u4(tokens), /every second token is 0, as in numbers of another size/],
    [
      'one of them nearly all',
      little.u2(tokens.map((t, i) => (i % 3 ? 50256 : t))),
      /% of the first 3000 tokens are 50256/,
    ],
    [
      'characters',
      little.u2(tokens.map((t) => t % 65)),
      /all of the first 3000 tokens are 64 or less: a vocabulary of its own/,
    ],
    [
      'an end that was not written',
      little.u2([...tokens, ...Array<number>(1500).fill(0)]),
      /its last tokens \(1500\) are all 0, as in a file that was not written to its end/,
    ],
    ["nanoGPT's meta.pkl beside them", little.u2(tokens), /meta\.pkl beside it says .*data add input\.txt/, 'meta.pkl'],
  ])('is not made of tokens that no text has, unless forced: %s', async (_, content, message, beside) => {
    const type = { type: 'uint16' } as const;
    await expect(made(content, type, beside)).rejects.toThrow(message);
    await expect(made(content, type, beside)).rejects.toThrow(/--force takes it all the same/);
    const { notices } = await made(content, { ...type, force: true }, beside);
    expect(notices.join()).toMatch(message);
  });
});
