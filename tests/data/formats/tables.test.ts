import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { arrow } from '../../../electron/data/formats/arrow.ts';
import { content } from '../../../electron/data/archives/content.ts';
import type { ParseJob } from '../../../electron/data/formats/index.ts';
import { parquet } from '../../../electron/data/formats/parquet.ts';
import { ParsePool } from '../../../electron/data/prepare/pool.ts';
import { prepareDataset } from '../../../electron/data/prepare/prepare.ts';
import { tempDir } from '../../temp.ts';
import { read, type ReadOptions } from './read.ts';

/** Made by fixtures/make.py, with pyarrow and Hugging Face's datasets. */
const fixtures = path.join(import.meta.dirname, 'fixtures');
const texts = Array.from({ length: 40 }, (_, i) =>
  i === 7 ? '' : i === 9 ? null : `Row ${i}: ${'the sea is wide. '.repeat(i % 4)}ünï`,
);
const filled = (from: number, to: number): string[] => texts.slice(from, to).filter((t): t is string => !!t);

const table = (name: string, options: ReadOptions = {}) =>
  read(name.endsWith('.parquet') ? parquet : arrow, '', { path: path.join(fixtures, name), ...options });

describe('an Arrow file', () => {
  it.each(['lz4.feather', 'zstd.feather', 'dictionary.arrow', 'view.arrow', 'lz4.parquet'])(
    'of pyarrow is read: %s',
    async (name) => {
      expect(await table(name)).toMatchObject({
        texts: filled(0, 40),
        bad: [],
        tally: { empty: 2 },
        error: undefined,
      });
    },
  );

  it('has blocks of LZ4 that go back into those before', async () => {
    const { texts: got, error } = await table('long.feather');
    expect(error).toBeUndefined();
    expect(got).toEqual(Array.from({ length: 12 }, (_, i) => `${i} ${'lorem ipsum dolor sit amet '.repeat(800)}`));
  });

  it('of save_to_disk is read, by fields of structs and of lists', async () => {
    const train = 'saved/train/data-00000-of-00002.arrow';
    expect(await table(train)).toMatchObject({ texts: filled(0, 15), bad: [], tally: { empty: 2 } });
    const where = [{ path: 'meta.lang', values: ['de'] }];
    const german = texts.slice(0, 15).filter((t, i) => i % 2 === 1 && t);
    expect((await table(train, { selection: { where } })).texts).toEqual(german);
    expect((await table(train, { selection: { textField: 'meta.tags[]' } })).texts[4]).toBe('a\nt1');
    // A list holds a value when one of its elements is that.
    const tagged = await table(train, { selection: { where: [{ path: 'meta.tags', values: ['t0'] }] } });
    expect(tagged.texts).toEqual(texts.slice(0, 15).filter((t, i) => i % 3 === 0 && t));
    expect((await table(train, { selection: { textField: 'story' } })).error).toMatchObject({
      message: 'has no column story (there are id, text, meta)',
      advice: 'name the column of the text, such as --text-field text',
    });
  });

  it('may be a folder of save_to_disk: its descriptions are no documents', async () => {
    const home = path.join(tempDir(), 'home');
    const inputs = [path.join(fixtures, 'saved')];
    const made = await prepareDataset({ home, inputs, tokenizer: 'bytes', threads: 1 });
    expect(made.documents).toBe(40);
    expect(made.bad).toMatchObject({ lines: 0 });
    expect(made.notices).toContain('2 documents without text skipped');
    expect(made.sources.map((s) => path.basename(s.path))).toEqual([
      'data-00000-of-00001.arrow',
      'data-00000-of-00002.arrow',
      'data-00001-of-00002.arrow',
    ]);
    expect(made.notTaken).toMatchObject({ files: 5, endings: { '.json': 5 } });
  });

  it('that is damaged or ends early is told, and no row is lost without a word', async () => {
    const whole = fs.readFileSync(path.join(fixtures, 'lz4.feather'));
    const dir = tempDir();
    const half = path.join(dir, 'half.feather');
    fs.writeFileSync(half, whole.subarray(0, 700));
    expect((await table('', { path: half })).error).toMatchObject({ trouble: 'cut off' });
    const pool = new ParsePool(2);
    onTestFinished(() => pool.close());
    // A reader that is kept busy is given up.
    const parse = (job: ParseJob) => pool.parse({ ...job, limit: { ...job.limit!, seconds: 1 } });
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const mutant = Uint8Array.from(whole);
        for (const [at, value] of changes) mutant[at] = value;
        const file = path.join(dir, 'x.feather');
        fs.writeFileSync(file, mutant);
        const { texts: got, bad, tally, error } = await table('', { path: file, parse });
        if (error) {
          expect(error).toHaveProperty('advice');
          return;
        }
        const rows = got.length + tally.empty + bad.reduce((sum, { lines = 1 }) => sum + lines, 0);
        // A message of columns or rows that says that it is something else is passed over by every reader.
        expect([40, 25, 10, 15, 30, 0]).toContain(rows);
      }),
      { numRuns: 200 },
    );
  });
});

it('an LZ4 file is decompressed', async () => {
  // By `lz4`: the text four times over, which its second half repeats.
  const file = path.join(fixtures, 'lines.txt.lz4');
  const parts: Uint8Array[] = [];
  for await (const part of content({ path: file, format: 'text', compression: 'lz4' }, () => {})) parts.push(part);
  expect(Buffer.concat(parts).toString()).toBe(Array.from({ length: 20_000 }, (_, i) => `line ${i % 97}\n`).join(''));
});
