import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requireName, stemOf } from '../../../electron/data/dataset/names.ts';
import { loadDatasetInfo, prepareDataset } from '../../../electron/data/index.ts';
import { tempDir } from '../../temp.ts';

test('what a file is called always gives a name that a dataset can have', () => {
  const strange = [
    '日本語',
    '🚀🚀',
    '-rf',
    '--help',
    '...',
    'con',
    'aux.b',
    'a b (1)',
    'é\u0301',
    '\u0301x',
    'x'.repeat(300),
    'नमस्ते',
  ];
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...strange)), (stem) => {
      const name = `${stemOf(stem, 'text')}-gpt2-01234567`;
      expect(requireName(name)).toBe(name);
      expect(name).not.toMatch(/^[-.]|[/\\\s@+*:]/);
      expect(Buffer.byteLength(`.${name}.corpus.lock`)).toBeLessThan(255);
    }),
    { numRuns: 1000 },
  );
  expect(['日本語', 'chunk1', 'a.b', '-x', '🚀'].map((s) => stemOf(s, 'text'))).toEqual([
    '日本語',
    'chunk1',
    'a-b',
    'x',
    'text',
  ]);
});

test('names that are given are taken, or refused with a reason', () => {
  for (const name of ['stories', 'Bücher.v2', '_a', '日本語-1']) expect(requireName(name)).toBe(name);
  for (const name of ['', '-a', '.a', 'a/b', '..', 'a b', 'con', 'NUL.txt', 'a.', 'a@b', 'x'.repeat(201), 'a\nb'])
    expect(() => requireName(name), name).toThrow(/can't be named/);
});

test('a name belongs to what a dataset is made from', async () => {
  const [home, dir] = [tempDir(), tempDir()];
  const [a, b] = ['a', 'b'].map((name) => path.join(dir, `${name}.txt`));
  fs.writeFileSync(a!, 'the text of a '.repeat(30));
  fs.writeFileSync(b!, 'the text of b '.repeat(30));
  const make = (file: string, name?: string) =>
    prepareDataset({ home, inputs: [file], tokenizer: 'bytes', ...(name === undefined ? {} : { name }) });
  const made = await make(a!, 'stories');
  expect(made.name).toBe('stories');
  expect(loadDatasetInfo(home, 'stories').sources.map((s) => s.path)).toEqual([a]);
  expect(await make(a!, 'stories')).toEqual(made);
  await expect(make(b!, 'stories')).rejects.toThrow(/There is a dataset stories already, made of something else/);
  expect(loadDatasetInfo(home, 'stories')).toEqual(made);
  // The file was edited in the middle, and is as long as before.
  fs.writeFileSync(a!, `${'the text of a '.repeat(15)}THE TEXT OF A ${'the text of a '.repeat(14)}`);
  await expect(make(a!, 'stories')).rejects.toThrow(/made of something else/);
  expect((await make(a!)).name).not.toBe((await make(b!)).name);
});
