import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { CompressionCodec } from 'hyparquet';
import { parquetWriteFile } from 'hyparquet-writer';
import { parquet, rowRanges, type RowRange } from '../../../electron/data/formats/parquet.ts';
import { ParsePool } from '../../../electron/data/prepare/pool.ts';
import { unfinishedDatasets } from '../../../electron/data/prepare/unfinished.ts';
import { datasetNames } from '../../../electron/data/index.ts';
import { prepareDataset, type PrepareOptions } from '../../../electron/data/prepare/prepare.ts';
import { lineBlocks } from '../../../electron/data/formats/lineBlocks.ts';
import { type Manifest, openDataset } from '../../../electron/data/dataset/index.ts';
import { bucketOf, buckets, everything } from '../../../electron/data/subsets.ts';
import { getTokenizer } from '../../../electron/data/tokenizers/index.ts';
import { UserError } from '../../../electron/base/errors.ts';
import { tempDir } from '../../temp.ts';

type Compress = (bytes: Uint8Array) => Uint8Array;

const documents = Array.from({ length: 400 }, (_, i) => ({
  text: `Document ${i} says: ${'the sea is wide '.repeat(i % 9)}${'ünï '.repeat(i % 3)}`,
  meta: { redpajama_set_name: ['RedPajamaC4', 'RedPajamaBook', 'RedPajamaGithub'][i % 3] },
}));
const jsonl = (docs: readonly unknown[]): Buffer => Buffer.from(docs.map((d) => `${JSON.stringify(d)}\n`).join(''));

/** Files as SlimPajama's chunks, in three compressions. */
function chunks(docs: readonly unknown[] = documents): { dir: string; home: string } {
  const dir = tempDir();
  const part = Math.ceil(docs.length / 3);
  fs.mkdirSync(path.join(dir, 'chunk1'));
  fs.writeFileSync(
    path.join(dir, 'chunk1', 'example_train_0.jsonl.zst'),
    zlib.zstdCompressSync(jsonl(docs.slice(0, part))),
  );
  fs.writeFileSync(
    path.join(dir, 'chunk1', 'example_train_1.jsonl.gz'),
    zlib.gzipSync(jsonl(docs.slice(part, 2 * part))),
  );
  fs.writeFileSync(path.join(dir, 'example_train_2.jsonl'), jsonl(docs.slice(2 * part)));
  return { dir, home: path.join(tempDir(), 'home') };
}
const prepare = (home: string, inputs: string[], more: Partial<PrepareOptions> = {}) =>
  prepareDataset({ home, inputs, tokenizer: 'gpt2', valFraction: 0.1, threads: 2, ...more });

/** Documents of a split, by their text. */
function textsOf(home: string, { name }: Manifest, split: 'train' | 'val', range?: [number, number]): string[] {
  const dataset = openDataset(path.join(home, 'datasets', name));
  const source = range ? dataset.trainSubset({ from: range[0], to: range[1] }) : dataset.split(split);
  const { decode, endOfText } = getTokenizer(dataset.manifest.tokenizer);
  const texts: string[] = [];
  let tokens: number[] = [];
  for (const token of source.tokens > 0 ? source.window(0, source.tokens) : []) {
    if (token === endOfText) {
      texts.push(decode(tokens));
      tokens = [];
    } else tokens.push(token);
  }
  expect(tokens).toEqual([]);
  dataset.close();
  return texts;
}
const shaOf = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('a corpus', () => {
  it('holds every document once, in the bucket of its text, whatever it came in', async () => {
    const { dir, home } = chunks();
    const manifest = await prepare(home, [dir]);
    const [train, val] = [textsOf(home, manifest, 'train'), textsOf(home, manifest, 'val')];
    expect([...train, ...val].sort()).toEqual(documents.map((d) => d.text).sort());
    expect(val.length).toBeGreaterThan(15);
    expect(val.length).toBeLessThan(80);
    expect(train.map((t) => bucketOf(shaOf(t)))).toEqual(train.map((t) => bucketOf(shaOf(t))).sort((a, b) => a - b));
    expect(manifest).toMatchObject({ documents: 400, bad: { lines: 0 } });
    expect(manifest.sources.map((s) => path.basename(s.path))).toEqual([
      'example_train_0.jsonl.zst',
      'example_train_1.jsonl.gz',
      'example_train_2.jsonl',
    ]);
    for (const s of manifest.sources)
      expect(s.sha256).toBe(createHash('sha256').update(fs.readFileSync(s.path)).digest('hex'));
    // A second time nothing is done.
    expect(await prepare(home, [dir])).toEqual(manifest);
  });

  it('has the tokens of a plain loop over the same documents', async () => {
    const { dir, home } = chunks();
    const manifest = await prepare(home, [dir], { shardTokens: 500 });
    const { encode, endOfText } = getTokenizer('gpt2');
    const inBucket = (b: number) => documents.filter((d) => bucketOf(shaOf(d.text)) === b);
    const held = new Set(textsOf(home, manifest, 'val'));
    const expected = Array.from({ length: buckets }, (_, b) => inBucket(b))
      .flat()
      .filter((d) => !held.has(d.text))
      .flatMap((d) => [...encode(d.text), endOfText]);
    const dataset = openDataset(path.join(home, 'datasets', manifest.name));
    expect([...dataset.split('train').window(0, manifest.trainTokens)]).toEqual(expected);
    dataset.close();
  });

  it('is divided into subsets that share no document, on any machine and in any company', async () => {
    const { dir, home } = chunks();
    const whole = await prepare(home, [dir]);
    const tonight = await prepare(home, [dir], { subset: { from: 0, to: 50 } });
    const nextWeek = await prepare(home, [dir], { subset: { from: 50, to: 80 } });
    const all = (m: Manifest) => [...textsOf(home, m, 'train'), ...textsOf(home, m, 'val')];
    const [a, b] = [new Set(all(tonight)), new Set(all(nextWeek))];
    expect([...a].filter((t) => b.has(t))).toEqual([]);
    expect(textsOf(home, whole, 'train', [0, 50]).sort()).toEqual(textsOf(home, tonight, 'train').sort());
    // The same documents, alone and in other files.
    const other = chunks(documents.filter((_, i) => i % 2 === 0));
    const half = await prepare(other.home, [other.dir], { subset: { from: 0, to: 50 } });
    for (const text of [...textsOf(other.home, half, 'train'), ...textsOf(other.home, half, 'val')])
      expect(a.has(text)).toBe(true);
  });

  it('takes only what is asked for, from the field that is named', async () => {
    const { dir, home } = chunks(documents.map(({ text, meta }) => ({ content: { body: text }, meta })));
    const where = [{ path: 'meta.redpajama_set_name', values: ['RedPajamaC4', 'RedPajamaBook'] }];
    const manifest = await prepare(home, [dir], { textField: 'content.body', where });
    const texts = [...textsOf(home, manifest, 'train'), ...textsOf(home, manifest, 'val')];
    expect(texts.sort()).toEqual(
      documents
        .filter((_, i) => i % 3 < 2)
        .map((d) => d.text)
        .sort(),
    );
    await expect(prepare(home, [dir], { textField: 'body' })).rejects.toThrow(
      /400 of 400 documents can't be read.*jsonl: no text in the field body: there are content\.body/,
    );
  });

  it('takes rows without the field of the text for empty ones, but not a file without it', async () => {
    const home = tempDir();
    const dir = tempDir();
    const some = documents.map(({ text }, i) => (i % 5 ? { text } : { id: i }));
    fs.writeFileSync(path.join(dir, 'some.jsonl'), some.map((d) => JSON.stringify(d)).join('\n'));
    const manifest = await prepare(home, [dir]);
    const texts = [...textsOf(home, manifest, 'train'), ...textsOf(home, manifest, 'val')];
    expect(texts.sort()).toEqual(some.flatMap((d) => ('text' in d ? [d.text] : [])).sort());
    expect(manifest).toMatchObject({
      documents: 400,
      bad: { lines: 0 },
      notices: ['80 documents without text skipped'],
    });
    fs.writeFileSync(path.join(dir, 'none.jsonl'), '{"body": "a"}\n{"body": "b"}\n');
    await expect(prepare(home, [dir])).rejects.toThrow(
      /2 of 402 documents can't be read.*none\.jsonl: no text in the field text: there are body; try --text-field body/,
    );
  });

  it('says of a file of nothing that it is empty, whatever its name says that it is', async () => {
    const file = path.join(tempDir(), 'nothing.jsonl');
    fs.writeFileSync(file, '');
    await expect(prepare(tempDir(), [file])).rejects.toThrow(`The file ${file} is empty`);
  });

  it('reads no text with a tail of zeros, as files have that were not written to their end', async () => {
    const file = path.join(tempDir(), 'cut.txt');
    // Of one piece, and of several.
    for (const [length, zeros] of [
      [100_000, 5000],
      [3_000_000, 5000],
    ] as const) {
      fs.writeFileSync(file, `${'It was a dark night.\n'.repeat(length / 20)}${'\0'.repeat(zeros)}`);
      await expect(prepare(tempDir(), [file])).rejects.toThrow(
        `holds a zero byte (byte ${Math.floor(length / 20) * 21})`,
      );
    }
  });

  it("passes over bad lines, with file and line, up to a limit; a file that can't be read is no bad line", async () => {
    const dir = tempDir();
    const home = tempDir();
    const lines = documents.map((d) => Buffer.from(JSON.stringify(d)));
    lines[3] = Buffer.from('{"text": "cut');
    lines[7] = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
    lines[9] = Buffer.from('{"text": 5}');
    lines[11] = Buffer.from('[]');
    fs.writeFileSync(path.join(dir, 'a.jsonl'), Buffer.concat(lines.flatMap((l) => [l, Buffer.from('\n')])));
    // Long enough for something to come out before it ends.
    const long = documents
      .slice(0, 50)
      .map(({ text }) => ({ text: text + shaOf(text).repeat(2) + shaOf(`${text}.`).repeat(80) }));
    const whole = zlib.zstdCompressSync(jsonl(long));
    fs.writeFileSync(path.join(dir, 'b.jsonl.zst'), whole.subarray(0, whole.length - 20));
    fs.writeFileSync(path.join(dir, 'c.txt.gz'), zlib.gzipSync('Cut off at once.').subarray(0, 12));
    const jsonLines = path.join(dir, 'a.jsonl');
    await expect(prepare(home, [jsonLines])).rejects.toThrow(UserError);
    await expect(prepare(home, [jsonLines])).rejects.toThrow(
      /can't be read \(limit 0\.1 %, --max-bad\): .*a\.jsonl, line 4: not valid JSON; .*line 8: not UTF-8; .*line 10: no text/,
    );
    // Whatever share of documents may be bad, and however small the file is.
    await expect(prepare(home, [dir], { maxBad: 1 })).rejects.toThrow(
      /b\.jsonl\.zst can't be read: .* skip it with --skip-bad-files/,
    );
    expect(fs.readdirSync(path.join(home, 'datasets'))).toEqual([]);
    await expect(prepare(home, [dir], { skipBadFiles: true })).rejects.toThrow(/4 of \d+ documents can't be read/);
    const manifest = await prepare(home, [dir], { maxBad: 0.05, skipBadFiles: true });
    expect(manifest.bad!.lines).toBe(4);
    expect(manifest.skipped!.map((s) => path.basename(s.path))).toEqual(['b.jsonl.zst', 'c.txt.gz']);
    for (const { reason } of manifest.skipped!) expect(reason).not.toBe('');
  });

  it('knows what is text: markers, halves of characters, empty documents', async () => {
    const odd = ['<|endoftext|> is text', 'half \ud83d of it', '', 'a\u0000b'];
    const { dir, home } = chunks([...documents, ...odd.map((text) => ({ text }))]);
    const manifest = await prepare(home, [dir]);
    const texts = new Set([...textsOf(home, manifest, 'train'), ...textsOf(home, manifest, 'val')]);
    for (const text of ['<|endoftext|> is text', 'half \ufffd of it', 'a\u0000b']) expect(texts.has(text)).toBe(true);
    expect(texts.has('')).toBe(false);
  });

  it('goes on where it was stopped, and is the same as if it had not been', async () => {
    const { dir, home } = chunks();
    const controller = new AbortController();
    let seen = 0;
    const stopped = prepare(home, [dir], {
      shardTokens: 300,
      signal: controller.signal,
      onProgress: () => ++seen === 2 && controller.abort(),
    });
    await expect(stopped).rejects.toThrow(/abort/i);
    expect(fs.readdirSync(path.join(home, 'datasets')).filter((n) => !n.startsWith('.'))).toEqual([]);
    const manifest = await prepare(home, [dir], { shardTokens: 300 });
    const fresh = path.join(tempDir(), 'home');
    const other = await prepare(fresh, [dir], { shardTokens: 300 });
    expect({ ...manifest, createdAt: '' }).toEqual({ ...other, createdAt: '' });
    expect(textsOf(home, manifest, 'train')).toEqual(textsOf(fresh, other, 'train'));
    expect(fs.readdirSync(path.join(home, 'datasets'))).toEqual([manifest.name]);
    expect(fs.readdirSync(path.join(home, 'datasets', manifest.name))).not.toContain('journal.json');
  });

  it('is let go of where its maker was killed before it could do so, and by nobody else', async () => {
    const { dir, home } = chunks();
    const { name } = await prepare(home, [dir]);
    const lock = path.join(home, 'datasets', `.${name}.corpus.lock`);
    const left = async (pid: number) => {
      fs.writeFileSync(lock, String(pid));
      await prepare(home, [dir]);
      return fs.existsSync(lock);
    };
    expect(await left(process.ppid)).toBe(true);
    const { pid } = spawnSync(process.execPath, ['--version']);
    expect(await left(pid)).toBe(false);
  });

  it('reads Parquet, compressed in any usual way, and says which rows are bad', async () => {
    const home = path.join(tempDir(), 'home');
    const dir = tempDir();
    const half = documents.length / 2;
    const write = (name: string, from: number, to: number, codec: CompressionCodec, compress?: Compress) => {
      const part = documents.slice(from, to);
      parquetWriteFile({
        filename: path.join(dir, name),
        columnData: [
          { name: 'text', data: part.map((d) => d.text), type: 'STRING' },
          { name: 'meta', data: part.map((d) => d.meta), type: 'JSON' },
        ],
        rowGroupSize: 60,
        codec,
        ...(compress ? { compressors: { [codec]: compress } } : {}),
      });
    };
    write('a.parquet', 0, half, 'SNAPPY');
    write('b.parquet', half, half + 50, 'ZSTD', (bytes) => zlib.zstdCompressSync(bytes));
    write('c.parquet', half + 50, documents.length, 'GZIP', (bytes) => zlib.gzipSync(bytes));
    const manifest = await prepare(home, [dir]);
    const lines = chunks();
    const same = await prepare(lines.home, [lines.dir]);
    for (const split of ['train', 'val'] as const)
      expect(textsOf(home, manifest, split).sort()).toEqual(textsOf(lines.home, same, split).sort());
    expect(manifest).toMatchObject({ documents: documents.length, bad: { lines: 0 } });
    for (const s of manifest.sources)
      expect(s.sha256).toBe(createHash('sha256').update(fs.readFileSync(s.path)).digest('hex'));

    const chosen = await prepare(home, [dir], {
      where: [{ path: 'meta.redpajama_set_name', values: ['RedPajamaBook'] }],
    });
    const books = documents.filter((d) => d.meta?.redpajama_set_name === 'RedPajamaBook').map((d) => d.text);
    expect([...textsOf(home, chosen, 'train'), ...textsOf(home, chosen, 'val')].sort()).toEqual(books.sort());

    const damaged = path.join(dir, 'd.parquet');
    const bytes = fs.readFileSync(path.join(dir, 'b.parquet'));
    fs.writeFileSync(damaged, bytes.subarray(0, bytes.length - 30));
    parquetWriteFile({
      filename: path.join(dir, 'e.parquet'),
      columnData: [{ name: 'text', data: ['fine', null, 'too'], type: 'STRING' }],
    });
    parquetWriteFile({
      filename: path.join(dir, 'f.parquet'),
      columnData: [{ name: 'content', data: ['of another name', 'all of it'], type: 'STRING' }],
    });
    await expect(prepare(home, [dir], { maxBad: 0.1 })).rejects.toThrow(/d\.parquet can't be read/);
    const max = await prepare(home, [dir], { maxBad: 0.1, skipBadFiles: true });
    expect(max.skipped!.map((s) => s.path)).toEqual([damaged, path.join(dir, 'f.parquet')]);
    expect(max.skipped![1]!.reason).toBe('it has no column text (there are content)');
    expect(max.bad).toEqual({ lines: 0, examples: [] });
    expect(max.notices).toContain('1 document without text skipped');
    const none = path.join(tempDir(), 'none.jsonl');
    fs.writeFileSync(none, '{"text": null}\n'.repeat(3));
    await expect(prepare(home, [none])).rejects.toThrow(/none of 3 documents has a text in the field text\. Name/);
  });

  it('reads or refuses damaged Parquet, and gives up what keeps its reader busy', async () => {
    const file = path.join(tempDir(), 'x.parquet');
    const texts = Array.from({ length: 300 }, (_, i) => `text ${i} `.repeat(1 + (i % 9)));
    parquetWriteFile({
      filename: file,
      columnData: [{ name: 'text', data: texts, type: 'STRING' }],
      rowGroupSize: 100,
    });
    const whole = fs.readFileSync(file);
    const selection = {
      tokenizer: 'bytes',
      textField: 'text',
      where: [],
      subset: everything,
      valFraction: 0.1,
    } as const;
    const jobOf = (path: string, rows: RowRange, seconds: number) => ({
      format: parquet.name,
      selection,
      payload: { file: path, rows },
      limit: { seconds, line: rows.begin + 1, lines: rows.end - rows.begin },
    });
    const pool = new ParsePool(2);
    onTestFinished(() => pool.close());
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const mutant = Uint8Array.from(whole);
        for (const [at, value] of changes) mutant[at] = value;
        const name = `${file}.${changes.join('-')}`;
        fs.writeFileSync(name, mutant);
        const ranges = await rowRanges(name, selection).catch(() => []);
        for (const rows of ranges.slice(0, 3)) {
          const { good, bad } = await pool.parse(jobOf(name, rows, 0.5));
          // None is lost without a word.
          expect(bad.reduce((sum, { lines = 1 }) => sum + lines, good)).toBe(rows.end - rows.begin);
        }
        fs.rmSync(name);
      }),
      // A size of text in the footer, made 0: its rows were once gone without a word.
      { numRuns: 200, examples: [[[[2919, 0]]]] },
    );
    const [rows] = await rowRanges(file, selection);
    expect(await pool.parse(jobOf(file, rows!, 20))).toMatchObject({ good: 100, bad: [] });
  });

  it('keeps what is done when the disk is full, and goes on when there is room', async () => {
    const { dir, home } = chunks();
    const fresh = path.join(tempDir(), 'home');
    const whole = await prepare(fresh, [dir], { shardTokens: 300 });
    const write = fs.writeSync as (...args: unknown[]) => number;
    for (const room of [0, 3, 20, 60]) {
      let left = room;
      const full = vi.spyOn(fs, 'writeSync').mockImplementation((...args: unknown[]) => {
        if (left-- > 0) return write(...args);
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
      });
      onTestFinished(() => full.mockRestore());
      await expect(prepare(home, [dir], { shardTokens: 300 })).rejects.toThrow(
        /^The dataset can't be written to .*: .*(space|full).* Progress is saved: free some space/,
      );
      full.mockRestore();
      expect(datasetNames(home)).toEqual([]);
      expect(unfinishedDatasets(home)).toMatchObject([{ name: whole.name, pid: null, totalBytes: expect.any(Number) }]);
    }
    const manifest = await prepare(home, [dir], { shardTokens: 300 });
    expect({ ...manifest, createdAt: '' }).toEqual({ ...whole, createdAt: '' });
    expect(unfinishedDatasets(home)).toEqual([]);
  });

  it('takes copies of a file once, and says so', async () => {
    const { dir, home } = chunks();
    const [first, other] = [path.join(dir, 'example_train_2.jsonl'), path.join(tempDir(), 'copy.jsonl')];
    fs.copyFileSync(first, other);
    // As long, with the same begin and end.
    const close = path.join(path.dirname(other), 'close.jsonl');
    const long = 'a long text '.repeat(20_000);
    for (const [file, middle] of [
      [close, 'b'],
      [`${close}.txt`, 'c'],
    ] as const)
      // prettier-ignore
      fs.writeFileSync(file, `${JSON.stringify({ text: long + middle + long })}\n`);
    const manifest = await prepare(home, [dir, other, close, `${close}.txt`, first]);
    expect(manifest.copies).toEqual([{ path: other, of: first }]);
    expect(manifest.documents).toBe(documents.length + 2);
  });

  it('is refused when a file changes meanwhile, or nothing is left', async () => {
    const { dir, home } = chunks();
    let changed = false;
    const file = path.join(dir, 'example_train_2.jsonl');
    const onProgress = () => {
      if (!changed) fs.appendFileSync(file, '{"text": "one more"}\n');
      changed = true;
    };
    await expect(prepare(home, [dir], { onProgress })).rejects.toThrow(
      /example_train_2\.jsonl was changed while it was read/,
    );
    await expect(prepare(home, [dir], { where: [{ path: 'meta.x', values: ['y'] }] })).rejects.toThrow(
      /No document is left to train on/,
    );
    await expect(prepare(home, [path.join(dir, 'nothing')])).rejects.toThrow(/There is no file or folder/);
    await expect(prepare(home, [tempDir()])).rejects.toThrow(
      /holds no files of text, JSON or tables \(\.txt, .*\.csv, \.parquet, \.arrow/,
    );
  });
});

describe('lines', () => {
  it('come whole, in order and numbered, however they are cut; long ones are passed over', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'é'), maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.array(fc.integer({ min: 1, max: 50 })),
        fc.boolean(),
        async (texts, cuts, ended) => {
          const longest = 30;
          const bytes = Buffer.from(texts.join('\n') + (ended && texts.length > 0 ? '\n' : ''));
          async function* chunks() {
            let at = 0;
            for (const cut of cuts) if (at < bytes.length) yield bytes.subarray(at, (at += cut));
            if (at < bytes.length) yield bytes.subarray(at);
          }
          const got = new Map<number, string>();
          for await (const block of lineBlocks(chunks(), longest)) {
            if ('line' in block) {
              expect(block.bytes).toBeGreaterThan(longest);
              expect(block.bytes).toBe(Buffer.byteLength(texts[block.line - 1]!));
              continue;
            }
            const lines = Buffer.from(block.bytes).toString().split('\n');
            lines.forEach((text, i) => text !== '' && got.set(block.firstLine + i, text));
          }
          for (const [i, text] of got) expect(text).toBe(texts[i - 1]);
          const short = texts.flatMap((t, i) => (t !== '' && Buffer.byteLength(t) <= longest ? [i + 1] : []));
          for (const i of short) expect(got.has(i)).toBe(true);
        },
      ),
    );
  });
});
