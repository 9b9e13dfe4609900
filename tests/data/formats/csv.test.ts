import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csv } from '../../../electron/data/formats/csv.ts';
import { FileError } from '../../../electron/data/formats/fileError.ts';
import { read } from './read.ts';

/** As RFC 4180 has it, and nothing more. */
const written = (rows: readonly (readonly string[])[], delimiter: string, end: string, always: boolean): string =>
  rows
    .map((row) =>
      row
        .map((f) => (always || /["\r\n]/.test(f) || f.includes(delimiter) ? `"${f.replaceAll('"', '""')}"` : f))
        .join(delimiter),
    )
    .join(end);

const field = fc.string({ unit: fc.constantFrom('"', ',', ';', '\t', '\n', '\r\n', 'a', ' ', 'é', '😀', '|') });

describe('a table of comma-separated values', () => {
  it('gives the texts that were written, however they are quoted and cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field, field)),
        fc.constantFrom(',', ';', '\t', '|'),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 60 }),
        async (rows, delimiter, end, always, ended, sizes) => {
          const source = written([['id', 'text', 'stars'], ...rows], delimiter, end, always) + (ended ? end : '');
          const { texts, bad, tally, error } = await read(csv, source, { sizes });
          const all = rows.map((r) => r[1]);
          expect([bad, error]).toEqual([[], undefined]);
          expect(texts).toEqual(all.filter((t) => t !== ''));
          expect(tally.empty).toBe(all.filter((t) => t === '').length);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('may end its rows by carriage returns alone', async () => {
    const source = 'id;text\r1;"two\rlines"\r2;b\r3\r';
    for (const sizes of [[], Array<number>(30).fill(1)])
      expect(await read(csv, source, { sizes })).toMatchObject({
        texts: ['two\nlines', 'b'],
        bad: [{ line: 5, reason: '1 column, where the first row has 2' }],
        error: undefined,
      });
  });

  it('is not read where the column of the text is there twice', async () => {
    const source = 'text,id,text\na,1,b\n';
    expect((await read(csv, source)).error).toMatchObject({ message: 'has 2 columns text' });
    expect(await read(csv, 'text,id,id\na,1,2\n')).toMatchObject({ texts: ['a'], error: undefined });
  });

  it('says which rows are bad, by the line that they begin in', async () => {
    const source = 'id,text\n1,"two\nlines"\n2\n\n3,a,b\n4,fine\n5,5" pipe\n6,"half" quoted\n';
    expect(await read(csv, source)).toMatchObject({
      texts: ['two\nlines', 'fine', '5" pipe', expect.stringContaining('half')],
      bad: [
        { line: 4, reason: '1 column, where the first row has 2' },
        { line: 6, reason: '3 columns, where the first row has 2' },
      ],
    });
    const latin = Buffer.from('id,text\n1,caf\xe9\n2,fine\n', 'latin1');
    expect(await read(csv, latin)).toMatchObject({ texts: ['fine'], bad: [{ line: 2, reason: 'not UTF-8' }] });
    const long = `text\n${'x'.repeat(100)}\nshort\n`;
    for (const sizes of [[], [20, 20, 20]])
      expect(await read(csv, long, { longest: 50, sizes })).toMatchObject({
        texts: ['short'],
        bad: [{ line: 2, reason: '101 bytes are too many for a row' }],
      });
  });

  it('is refused where a quote is never closed, or its column is missing', async () => {
    const open = await read(csv, 'text\nfine\n"never\nclosed\n');
    expect(open.texts).toEqual(['fine']);
    expect(open.error).toMatchObject({ message: 'has a quote in line 3 that is never closed' });
    const missing = await read(csv, 'id;review;stars\n1;good;5\n');
    expect(missing.error).toBeInstanceOf(FileError);
    expect(missing.error).toMatchObject({
      message: 'has no column text (there are id, review, stars)',
      advice: 'name the column of the text, such as --text-field review',
    });
  });

  it('may have names with dots, a row that says what divides columns, one column, or none but names', async () => {
    const where = [{ path: 'meta.lang', values: ['en'] }];
    const dotted = 'meta.lang,answers.text\nen,yes\nde,ja\n';
    expect(await read(csv, dotted, { selection: { textField: 'answers.text', where } })).toMatchObject({
      texts: ['yes'],
      tally: { filtered: 1 },
    });
    expect((await read(csv, 'sep=|\nid|text\n1|a,b\n')).texts).toEqual(['a,b']);
    // The ending is right, however many commas there are.
    expect((await read(csv, 'a,b,c\ttext\n1\tx\n', { path: 'x.tsv' })).texts).toEqual(['x']);
    expect(await read(csv, 'text\na\n\nb\n')).toMatchObject({ texts: ['a', 'b'], tally: { empty: 1 } });
    expect(await read(csv, 'id,text\n')).toMatchObject({ texts: [], bad: [], error: undefined });
  });
});
