import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { unfinishedDatasets } from '../../../electron/data/prepare/unfinished.ts';
import { datasetNames, type Manifest, prepareDataset, type PrepareOptions } from '../../../electron/data/index.ts';
import { notesOf, validationNote } from '../../../electron/data/prepare/notes.ts';
import { openDataset } from '../../../electron/data/dataset/index.ts';
import { getTokenizer } from '../../../electron/data/tokenizers/index.ts';
import { verifyDataset } from '../../../electron/data/dataset/verify.ts';
import { tempDir } from '../../temp.ts';

function write(dir: string, name: string, content: string | Uint8Array): string {
  const file = path.join(dir, name);
  fs.writeFileSync(file, content);
  return file;
}
const prepare = (home: string, inputs: readonly string[], more: Partial<PrepareOptions> = {}) =>
  prepareDataset({ home, inputs, tokenizer: 'gpt2', threads: 2, ...more });

/** Training tokens, then those for validation. */
function tokensOf(home: string, { name }: Manifest): Uint16Array {
  const dataset = openDataset(path.join(home, 'datasets', name));
  try {
    const all = (['train', 'val'] as const).map((split) => {
      const source = dataset.split(split);
      return Uint16Array.from(source.window(0, source.tokens));
    });
    return Uint16Array.from(all.flatMap((part) => [...part]));
  } finally {
    dataset.close();
  }
}
const isSame = (a: Uint16Array, b: Uint16Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
const { encode, endOfText } = getTokenizer('gpt2');
const asDocument = (text: string): Uint16Array => Uint16Array.from([...encode(text), endOfText]);

const line = 'It was the best of times, it was the worst — of 12 times.\n';
const long = line.repeat(Math.ceil((5 << 19) / line.length));

describe('a text of one file', () => {
  it.each([
    ['as it is', 'long.txt', (text: string) => Buffer.from(text)],
    ['with a byte order mark', 'long.txt', (text: string) => Buffer.from(`\ufeff${text}`)],
    ['in UTF-16', 'long.txt', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['compressed', 'long.txt.gz', (text: string) => zlib.gzipSync(text)],
  ])('has the tokens of the whole, %s, and its end is for validation', async (_, name, encoded) => {
    const [home, dir] = [tempDir(), tempDir()];
    const manifest = await prepare(home, [write(dir, name, encoded(long))], { shardTokens: 150_000 });
    const expected = asDocument(long);
    expect(isSame(tokensOf(home, manifest), expected)).toBe(true);
    expect(manifest.valTokens).toBe(Math.round(expected.length / 10));
    expect(manifest).toMatchObject({ documents: 1, validation: 'end', textBytes: Buffer.byteLength(long) });
    expect(validationNote(manifest)).toBe('the last 10 % of the text');
    const folder = path.join(home, 'datasets', manifest.name);
    expect((await verifyDataset(folder)).problems).toEqual([]);
    expect(fs.readdirSync(folder).sort()).toEqual(
      ['dataset.json', ...[...manifest.shards.train, ...manifest.shards.val].map((s) => s.file)].sort(),
    );
  });

  it('is divided where it says', async () => {
    const [home, dir] = [tempDir(), tempDir()];
    const stories = Array.from({ length: 400 }, (_, i) => `Story ${i}. ${'Then it slept. '.repeat(i % 7)}`);
    stories[7] = long;
    const literal = write(dir, 'literal.txt', stories.join('<|endoftext|>') + '<|endoftext|>\n');
    const blank = write(dir, 'blank.txt', stories.map((s) => s.trim()).join('\n\n\n'));
    const manifest = await prepare(home, [literal], { splitOn: '<|endoftext|>' });
    expect(manifest).toMatchObject({ documents: 400, validation: 'documents', markers: 0 });
    const all = [...tokensOf(home, manifest)];
    expect(all.filter((t) => t === endOfText).length).toBe(400);
    expect(all.length).toBe(stories.reduce((n, s) => n + encode(s).length + 1, 0));
    const other = await prepare(home, [blank], { splitOn: 'blank-lines' });
    expect(other.documents).toBe(400);
    // The same documents as if each were a file of its own.
    const folder = path.join(dir, 'files');
    fs.mkdirSync(folder);
    for (const [i, story] of stories.entries()) write(folder, `${String(i).padStart(3, '0')}.txt`, story);
    const files = await prepare(home, [folder], { valFraction: manifest.settings.valFraction });
    expect(isSame(tokensOf(home, files), tokensOf(home, manifest))).toBe(true);
  });

  it('is told what it has that may not be meant', async () => {
    const [home, dir] = [tempDir(), tempDir()];
    const file = write(dir, 'stories.txt', 'Once.\n<|endoftext|>\nTwice.\n<|endoftext|>\n');
    const manifest = await prepare(home, [file]);
    expect(manifest.markers).toBe(2);
    expect([...tokensOf(home, manifest)].filter((t) => t === endOfText).length).toBe(1);
    expect(notesOf(manifest)).toEqual([expect.stringMatching(/<\|endoftext\|> in it 2 times.*--split-on/)]);
    await expect(prepare(home, [file], { splitOn: '###' })).rejects.toThrow(/"###" stands nowhere in the text/);
    await expect(prepare(home, [file], { splitOn: '#\n#' })).rejects.toThrow(/^"#\\n#" stands nowhere/);
    await expect(prepare(home, [file], { splitOn: '\\n\\n' })).rejects.toThrow(
      /^"\\\\n.* literally; blank-lines means/,
    );
    await expect(prepare(home, [file], { subset: { from: 0, to: 50 } })).rejects.toThrow(/is one: divide it/);
    await expect(prepare(home, [write(dir, 'a.jsonl', '{"text":"a"}')], { splitOn: 'x' })).rejects.toThrow(
      /--split-on divides text files/,
    );
    expect(fs.readdirSync(path.join(home, 'datasets'))).toEqual([manifest.name]);
  });
});

describe('what can not be read', () => {
  it('is refused with its place, wherever it stands', async () => {
    const [home, dir] = [tempDir(), tempDir()];
    const size = 3 << 20; // a long text: it is read and cut by the MiB
    for (const at of [0, 5, (1 << 20) - 1, 1 << 20, size - 1]) {
      const bytes = Buffer.alloc(size, 'a b ');
      bytes[at] = 0xff;
      const file = write(dir, `bad-${at}.txt`, bytes);
      await expect(prepare(home, [file], { tokenizer: 'bytes' }), `${at}`).rejects.toThrow(
        new RegExp(`bad-${at}\\.txt is not UTF-8 text \\(byte ${at}\\)`),
      );
    }
    const cut = write(dir, 'cut.txt', Buffer.from('abc🙂').subarray(0, 5));
    await expect(prepare(home, [cut])).rejects.toThrow(/cut\.txt is not UTF-8 text \(byte 3\)/);
    expect([datasetNames(home), unfinishedDatasets(home)]).toEqual([[], []]);
  });

  it('is left out and listed where that is asked for, and nothing of it is kept', async () => {
    const [home, dir] = [tempDir(), tempDir()];
    write(dir, 'a.txt', 'good text '.repeat(50));
    write(dir, 'b.txt', Buffer.from([0x61, 0xff]));
    write(dir, 'c.txt', Buffer.concat([Buffer.from(long), Buffer.from([0xff])]));
    write(dir, 'd.txt.gz', zlib.gzipSync(long).subarray(0, -3000));
    write(dir, 'e.txt', 'more of it '.repeat(50));
    const manifest = await prepare(home, [dir], { skipBadFiles: true });
    expect(manifest.skipped!.map((s) => path.basename(s.path))).toEqual(['b.txt', 'c.txt', 'd.txt.gz']);
    expect(manifest.skipped!.slice(0, 2).map((s) => s.reason)).toEqual([
      'not UTF-8 text (byte 1)',
      `not UTF-8 text (byte ${Buffer.byteLength(long)})`,
    ]);
    expect(manifest.documents).toBe(2);
    const total = ['good text ', 'more of it '].reduce((n, t) => n + asDocument(t.repeat(50)).length, 0);
    expect(manifest.trainTokens + manifest.valTokens).toBe(total);
    expect(fs.readdirSync(path.join(home, 'datasets', manifest.name)).some((f) => f.startsWith('long'))).toBe(false);
  });

  it('is a bad document, and no bad file, in a text that is divided', async () => {
    const [home, dir] = [tempDir(), tempDir()];
    const parts = Array.from({ length: 50 }, (_, i) => Buffer.from(`document ${i}#`));
    parts[20] = Buffer.concat([Buffer.from([0xff]), Buffer.from('#')]);
    const file = write(dir, 'a.txt', Buffer.concat(parts));
    await expect(prepare(home, [file], { splitOn: '#' })).rejects.toThrow(
      /1 of 50 documents can't be read.*a\.txt, byte/,
    );
    const manifest = await prepare(home, [file], { splitOn: '#', maxBad: 0.1 });
    expect(manifest).toMatchObject({ documents: 49, bad: { lines: 1 }, skipped: [] });
  });

  it('as there is nothing in it is told by name', async () => {
    const [home, dir] = [tempDir(), tempDir()];
    const empty = write(dir, 'empty.txt', '');
    await expect(prepare(home, [empty])).rejects.toThrow(/empty\.txt is empty/);
    const manifest = await prepare(home, [empty, write(dir, 'a.txt', 'some text '.repeat(9))]);
    expect(notesOf(manifest).join()).toMatch(/1 not taken \(1 empty\).*empty\.txt: it is empty/);
  });
});

describe('few documents', () => {
  it('of lines are held back from their end where their hashes give none for validation, or all', async () => {
    for (let i = 0; i < 12; i++) {
      const [home, dir] = [tempDir(), tempDir()];
      const file = write(
        dir,
        'a.jsonl',
        `${JSON.stringify({ text: `the only document, number ${i}. `.repeat(20) })}\n`,
      );
      const manifest = await prepare(home, [file], { tokenizer: 'bytes', valFraction: 0.3 });
      expect(manifest.trainTokens).toBeGreaterThan(0);
      expect(manifest).toMatchObject({ validation: 'end', documents: 1 });
      expect(manifest.valTokens).toBe(Math.round((manifest.trainTokens + manifest.valTokens) * 0.3));
    }
  });
});

describe('many small files', () => {
  it('are each a document, and go on where they were stopped', async () => {
    const [home, dir] = [tempDir(), tempDir()];
    const texts = Array.from({ length: 3000 }, (_, i) => `small file ${i} of words`);
    for (const [i, text] of texts.entries()) write(dir, `${i}.txt`, text);
    const controller = new AbortController();
    const stopped = prepare(home, [dir], {
      signal: controller.signal,
      onProgress: ({ tokens }) => tokens > 0 && controller.abort(),
    });
    await expect(stopped).rejects.toThrow(/abort/i);
    expect(unfinishedDatasets(home)).toMatchObject([{ inputs: [dir], files: 3000, pid: null }]);
    const manifest = await prepare(home, [dir]);
    expect(manifest).toMatchObject({ documents: 3000, validation: 'documents' });
    expect(tokensOf(home, manifest).length).toBe(texts.reduce((n, t) => n + asDocument(t).length, 0));
    expect(await prepare(tempDir(), [dir])).toEqual({ ...manifest, createdAt: expect.any(String) as string });
  });
});

it('how far a text of one document is read shows while it is read', async () => {
  const reported: number[] = [];
  const onProgress = ({ textBytes }: { textBytes: number }) => void reported.push(textBytes);
  await prepare(tempDir(), [write(tempDir(), 'long.txt', long.repeat(2))], { onProgress });
  const half = reported[Math.floor(reported.length / 2)]!;
  expect(half).toBeGreaterThan(0);
  expect(half).toBeLessThan(2 * long.length);
});

it('a file that holds what came through a pipe is called as that is', async () => {
  const dir = tempDir();
  const [empty, bad] = [write(dir, 'stdin', ''), write(dir, 'other', Buffer.from([0x61, 0xff, 0x62]))];
  const shownAs = { [empty]: 'standard input', [bad]: '/dev/fd/63' };
  const text = write(dir, 'a.txt', line.repeat(20));
  await expect(prepare(tempDir(), [empty], { shownAs })).rejects.toThrow(/^Standard input is empty/);
  await expect(prepare(tempDir(), [bad], { shownAs })).rejects.toThrow(/^\/dev\/fd\/63 is not UTF-8 text/);
  const manifest = await prepare(tempDir(), [text, empty, bad], { shownAs, skipBadFiles: true });
  expect(manifest.skipped?.map((s) => s.path)).toEqual(['/dev/fd/63']);
  expect(JSON.stringify(manifest)).not.toContain(empty);
});
