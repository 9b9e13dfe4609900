import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { datasetNames, loadDatasetInfo, type Manifest, prepareDataset } from '../../../electron/data/index.ts';
import { openDataset } from '../../../electron/data/dataset/index.ts';
import { getTokenizer } from '../../../electron/data/tokenizers/index.ts';
import { UserError } from '../../../electron/base/errors.ts';
import { tempDir } from '../../temp.ts';

const datasets = (home: string): string[] => {
  const dir = path.join(home, 'datasets');
  return fs.existsSync(dir) ? fs.readdirSync(dir) : [];
};

function write(dir: string, name: string, content: string | Uint8Array): string {
  const file = path.join(dir, name);
  fs.writeFileSync(file, content);
  return file;
}

/** Both splits, read whole. */
function tokensOf(home: string, { name }: Manifest): { train: number[]; val: number[] } {
  const dataset = openDataset(path.join(home, 'datasets', name));
  const all = (split: 'train' | 'val') => {
    const source = dataset.split(split);
    return [...source.window(0, source.tokens)];
  };
  const result = { train: all('train'), val: all('val') };
  dataset.close();
  return result;
}

test('few files: training and validation are the text end to end, cut once', async () => {
  const [home, texts] = [tempDir(), tempDir()];
  const inputs = [write(texts, 'a.txt', 'alpha beta'), write(texts, 'b.txt', 'gamma délta')];
  const manifest = await prepareDataset({ home, inputs, tokenizer: 'bytes', valFraction: 0.25, shardTokens: 5 });
  const { train, val } = tokensOf(home, manifest);
  const expected = [...Buffer.from('alpha beta'), 256, ...Buffer.from('gamma délta'), 256];
  expect([...train, ...val]).toEqual(expected);
  expect(val.length).toBe(Math.round(expected.length * 0.25));
  expect(manifest).toMatchObject({ trainTokens: train.length, valTokens: val.length, vocabSize: 257 });
  expect(manifest.sources.map((s) => s.path)).toEqual(inputs);
});

test('many files: each goes whole to training or validation, by its content alone', async () => {
  const texts = tempDir();
  const contents = Array.from({ length: 200 }, (_, i) => `document number ${i}`);
  contents.forEach((text, i) => write(texts, `${String(i).padStart(3, '0')}.txt`, text));
  const validationOf = async (fraction: number) => {
    const home = tempDir();
    const manifest = await prepareDataset({ home, inputs: [texts], tokenizer: 'bytes', valFraction: fraction });
    const { train, val } = tokensOf(home, manifest);
    const documents = (tokens: number[]) =>
      String.fromCharCode(...tokens)
        .split('\u0100')
        .slice(0, -1);
    expect([...documents(train), ...documents(val)].sort()).toEqual([...contents].sort());
    return documents(val);
  };
  const [some, more] = [await validationOf(0.1), await validationOf(0.4)];
  expect(some.length).toBeGreaterThan(5);
  expect(some.length).toBeLessThan(40);
  expect(more).toEqual(expect.arrayContaining(some));
});

test('the same text and settings give the dataset that is there; others give another', async () => {
  const [home, texts] = [tempDir(), tempDir()];
  const inputs = [write(texts, 'a.txt', 'the same text '.repeat(20))];
  const first = await prepareDataset({ home, inputs, tokenizer: 'bytes' });
  const again = await prepareDataset({
    home,
    inputs: [write(texts, 'copy.txt', 'the same text '.repeat(20))],
    tokenizer: 'bytes',
  });
  expect(again.name.split('-').at(-1)).toBe(first.name.split('-').at(-1));
  expect(await prepareDataset({ home, inputs, tokenizer: 'bytes' })).toEqual(first);
  const other = await prepareDataset({ home, inputs, tokenizer: 'gpt2' });
  const cut = await prepareDataset({ home, inputs, tokenizer: 'bytes', valFraction: 0.5 });
  expect(new Set([first.name, other.name, cut.name]).size).toBe(3);
  expect(datasetNames(home)).toEqual([...new Set(datasets(home))].sort());
  expect(loadDatasetInfo(home, first.name)).toEqual(first);
  expect(() => loadDatasetInfo(home, 'nope')).toThrow(/no dataset "nope".*a-bytes/);
});

test('what fails on its way leaves nothing behind', async () => {
  const [home, texts] = [tempDir(), tempDir()];
  const good = write(texts, 'good.txt', 'text '.repeat(1000));
  const bad = write(texts, 'zbad.txt', Buffer.from([0x61, 0xff]));
  await expect(prepareDataset({ home, inputs: [good, bad], tokenizer: 'bytes' })).rejects.toThrow(
    /zbad\.txt is not UTF-8/,
  );
  await expect(prepareDataset({ home, inputs: [path.join(texts, 'none')], tokenizer: 'bytes' })).rejects.toThrow(
    UserError,
  );
  await expect(prepareDataset({ home, inputs: [good], tokenizer: 'bytes', valFraction: 1 })).rejects.toThrow(
    /between 0 and 1/,
  );
  expect(datasets(home)).toEqual([]);
  fs.rmSync(path.join(home, 'datasets'), { recursive: true, force: true });
  write(home, 'datasets', 'a file in its place');
  await expect(prepareDataset({ home, inputs: [good], tokenizer: 'bytes' })).rejects.toThrow(
    /can't be written.*try again/,
  );
});

test('a damaged dataset is made again from its text', async () => {
  const [home, texts] = [tempDir(), tempDir()];
  const inputs = [write(texts, 'a.txt', 'some text '.repeat(50))];
  const made = await prepareDataset({ home, inputs, tokenizer: 'bytes' });
  const before = tokensOf(home, made);
  fs.truncateSync(path.join(home, 'datasets', made.name, made.shards.train[0]!.file), 10);
  expect(tokensOf(home, await prepareDataset({ home, inputs, tokenizer: 'bytes' }))).toEqual(before);
});

test('two that make the same dataset at once both get it', async () => {
  const [home, texts] = [tempDir(), tempDir()];
  const inputs = [write(texts, 'a.txt', 'some text '.repeat(50_000))];
  const both = await Promise.all([0, 1].map(() => prepareDataset({ home, inputs, tokenizer: 'bytes' })));
  expect(both[0]!.name).toBe(both[1]!.name);
  expect(datasets(home)).toEqual([both[0]!.name]);
});

test('progress comes while a long text is read, and ends with all of it', async () => {
  const [home, texts] = [tempDir(), tempDir()];
  const inputs = [write(texts, 'a.txt', 'some text\n'.repeat(500_000))];
  const seen: number[] = [];
  await prepareDataset({ home, inputs, tokenizer: 'bytes', onProgress: (p) => seen.push(p.doneBytes / p.totalBytes) });
  expect(seen.length).toBeGreaterThan(2);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen.at(-1)).toBe(1);
});

test('leftovers of a process that was killed go away, others stay', async () => {
  const [home, texts] = [tempDir(), tempDir()];
  const inputs = [write(texts, 'a.txt', 'some text '.repeat(50))];
  const { name } = await prepareDataset({ home, inputs, tokenizer: 'bytes' });
  fs.rmSync(path.join(home, 'datasets', name), { recursive: true });
  for (const left of [`.${name}.0badcafe.partial`, '.other.0badcafe.partial'])
    fs.mkdirSync(path.join(home, 'datasets', left));
  await prepareDataset({ home, inputs, tokenizer: 'bytes' });
  expect(datasets(home).sort()).toEqual(['.other.0badcafe.partial', name]);
});

test('a long text that worker threads tokenize has the tokens that one call gives it', async () => {
  const [home, texts] = [tempDir(), tempDir()];
  const text = 'It was the best of times, it was the worst — of 12 times.\n'.repeat(60_000);
  const manifest = await prepareDataset({ home, inputs: [write(texts, 'long.txt', text)], tokenizer: 'gpt2' });
  const { train, val } = tokensOf(home, manifest);
  const expected = getTokenizer('gpt2').encode(text);
  const all = Uint16Array.from([...train, ...val]);
  expect(all.length).toBe(expected.length + 1);
  expect(
    Buffer.from(all.buffer)
      .subarray(0, 2 * expected.length)
      .equals(Buffer.from(expected.buffer, expected.byteOffset, expected.byteLength)),
  ).toBe(true);
  expect(all.at(-1)).toBe(50256);
});
