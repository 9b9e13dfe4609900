import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { parquetWriteFile } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { prepareDataset } from '../../../electron/data/index.ts';
import { decodedDocuments } from '../../../electron/data/dataset/preview.ts';
import { openDataset } from '../../../electron/data/dataset/index.ts';
import { type PreviewOptions, previewText, type TextPreview } from '../../../electron/data/prepare/preview.ts';
import { getTokenizer } from '../../../electron/data/tokenizers/index.ts';
import { tempDir } from '../../temp.ts';

function write(name: string, content: string | Uint8Array, dir = tempDir()): string {
  const file = path.join(dir, name);
  fs.writeFileSync(file, content);
  return file;
}
const preview = (inputs: readonly string[], more: Partial<PreviewOptions> = {}, signal?: AbortSignal) =>
  previewText({ inputs, tokenizer: 'gpt2', ...more }, signal);
const textsOf = ({ documents }: TextPreview): string[] => documents.map(({ text }) => text);
const lines = (...objects: readonly object[]): string => objects.map((o) => JSON.stringify(o)).join('\n');

/** What tokenizing the same says; the empty text where nothing is wrong. */
async function refusal(inputs: readonly string[], more: Partial<PreviewOptions> = {}): Promise<string> {
  try {
    await prepareDataset({ home: tempDir(), inputs, tokenizer: 'gpt2', threads: 1, ...more });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the first documents', () => {
  it('are those that a dataset of the same choices has', async () => {
    const file = write('set.jsonl', lines(...Array.from({ length: 40 }, (_, i) => ({ body: `document ${i}` }))));
    const choices = { textField: 'body', subset: { from: 20, to: 90 } };
    const shown = await preview([file], choices);
    const home = tempDir();
    const { name } = await prepareDataset({ home, inputs: [file], tokenizer: 'gpt2', ...choices });
    const dataset = openDataset(path.join(home, 'datasets', name));
    const all = (['train', 'val'] as const).map((split) => {
      const source = dataset.split(split);
      return decodedDocuments(getTokenizer('gpt2'), source.window(0, source.tokens)).filter(Boolean);
    });
    dataset.close();
    expect(shown.documents.length).toBeGreaterThan(1);
    for (const { text, split } of shown.documents) expect(all[split === 'train' ? 0 : 1]).toContain(text);
    expect(shown.documents.every(({ tokens }) => tokens === 2)).toBe(true);
  });

  it('are cut where text files are split, without what is blank', async () => {
    const file = write('poems.txt', 'One.\n\nTwo\nlines.\n\n\n  \n\nThree.\n\n');
    const { documents, isWhole, problems } = await preview([file], { splitOn: 'blank-lines' });
    expect(documents.map(({ text, isCut }) => [text, isCut])).toEqual([
      ['One.', false],
      ['Two\nlines.', false],
      ['Three.', false],
    ]);
    expect({ isWhole, problems }).toEqual({ isWhole: true, problems: [] });
  });

  it('of a long text are its begin, whole characters alone', async () => {
    const file = write('long.txt', 'é '.repeat(3 << 20));
    const { documents, isWhole } = await preview([file], { tokenizer: 'bytes' });
    expect(documents).toMatchObject([{ text: `${'é '.repeat(106)}é`, isCut: true, tokens: null, split: null }]);
    expect(isWhole).toBe(false);
  });

  it.each([
    ['JSON', 'x.json', Buffer.from(JSON.stringify([{ text: 'a b' }, { text: 'c' }]))],
    ['compressed lines', 'x.jsonl.gz', zlib.gzipSync(lines({ text: 'a b' }, { text: 'c' }))],
    ['CSV', 'x.csv', Buffer.from('id,text\n1,"a b"\n2,c\n')],
  ])('of %s are its texts', async (_, name, content) => {
    expect(textsOf(await preview([write(name, content)]))).toEqual(['a b', 'c']);
  });

  it('of a large Parquet file are read without the rest', async () => {
    const file = path.join(tempDir(), 'x.parquet');
    const rows = Array.from({ length: 50_000 }, (_, i) => i);
    parquetWriteFile({
      filename: file,
      columnData: [
        { name: 'id', data: rows, type: 'INT32' },
        { name: 'story', data: rows.map((i) => `row ${i}`), type: 'STRING' },
      ],
    });
    const shown = await preview([file], { textField: 'story' });
    expect(textsOf(shown)).toEqual(['row 0', 'row 1', 'row 2']);
    expect(shown).toMatchObject({ fields: ['story'], isWhole: false, problems: [] });
  });
});

it('names files, their sizes and formats, and what is left out of a folder', async () => {
  const dir = tempDir();
  write('a.txt', 'text', dir);
  write('b.jsonl', lines({ text: 'x' }), dir);
  write('c.jsonl', lines({ text: 'y' }), dir);
  write('picture.png', 'png', dir);
  const shown = await preview([dir]);
  expect(shown).toMatchObject({
    files: 3,
    bytes: 4 + 2 * 12,
    formats: [
      { format: 'JSON lines', files: 2 },
      { format: 'text', files: 1 },
    ],
    notTaken: '1 .png',
    problems: [],
  });
  expect(shown.shownFiles.map(({ path: file }) => path.basename(file))).toEqual(['a.txt', 'b.jsonl', 'c.jsonl']);
});

it('lists fields that have text, those in objects and lists among them', async () => {
  const file = write('x.jsonl', lines({ id: 1, title: 'T', meta: { body: 'B', n: 2 }, parts: ['p', 'q'] }));
  const shown = await preview([file], { textField: 'parts[]' });
  expect(shown.fields).toEqual(['title', 'meta.body', 'parts[]']);
  expect(textsOf(shown)).toEqual(['p\nq']);
});

describe('problems', () => {
  it.each([
    ['no such file', () => '/nothing/there.txt', {}],
    ['what is no text', () => write('x.txt', new Uint8Array([0, 1, 2])), {}],
    ['text that is not UTF-8', () => write('x.txt', Buffer.from('fine \xff', 'latin1')), {}],
    ['a table without the column', () => write('x.csv', 'id,body\n1,b\n'), {}],
    ['a quote that is not closed', () => write('x.csv', 'text\n"open\n'), {}],
    ['an empty file', () => write('x.txt', ''), {}],
    ['a separator that is not there', () => write('x.txt', 'some text'), { splitOn: '<|end|>' }],
    ['a separator for lines', () => write('x.jsonl', lines({ text: 't' })), { splitOn: 'blank-lines' }],
    ['a subset of one text', () => write('x.txt', 'text'), { subset: { from: 0, to: 50 } }],
    [
      'conditions that none meets',
      () => write('x.jsonl', lines({ text: 't', l: 'en' })),
      { where: [{ path: 'l', values: ['de'] }] },
    ],
  ] as readonly (readonly [string, () => string, Partial<PreviewOptions>])[])(
    'are said as tokenizing says them: %s',
    async (_, make, more) => {
      const inputs = [make()];
      const said = await refusal(inputs, more);
      expect(said).not.toBe('');
      expect((await preview(inputs, more)).problems).toContain(said);
    },
  );

  it('of lines have their place, as in what tokenizing says', async () => {
    const file = write('x.jsonl', `${lines({ text: 'good' })}\nnot json\n`);
    const [problem] = (await preview([file])).problems;
    expect(problem).toBe(`${file}, line 2: not valid JSON`);
    expect(await refusal([file])).toContain(problem);
  });

  it('of one path leave the others be seen', async () => {
    const file = write('x.txt', 'text');
    const shown = await preview(['/nothing/there.txt', file]);
    expect(shown.problems).toHaveLength(1);
    expect(textsOf(shown)).toEqual(['text']);
  });

  it('of a field that only some documents lack are none', async () => {
    const file = write('x.jsonl', lines({ text: 'has it' }, { other: 'has not' }));
    expect((await preview([file])).problems).toEqual([]);
  });
});

it('ends when its time is up, and when nobody waits for it any more', async () => {
  const dir = tempDir();
  for (let i = 0; i < 300; i++) write(`${i}.txt`, 'text', dir);
  await expect(preview([dir], { limitMs: 0 })).rejects.toThrow('has too many files to preview');
  await expect(preview([dir], {}, AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
});
