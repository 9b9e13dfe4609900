import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../../electron/data/formats/fileError.ts';
import { parseJson } from '../../../electron/data/formats/json.ts';
import { jsonLines } from '../../../electron/data/formats/jsonLines.ts';
import { jsonValues } from '../../../electron/data/formats/jsonValues.ts';
import { read } from './read.ts';

const hard = fc.oneof(
  fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', '\n', 'a', 'é', '😀', 'NaN') }),
  fc.string({ unit: 'grapheme' }),
);
const extra = fc.jsonValue({ depthSize: 'small' });

describe('a list of JSON', () => {
  it('gives all of its documents in order, however it is written and cut', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 60 });
    const styles = fc.constantFrom<(docs: unknown[]) => string>(
      (docs) => JSON.stringify(docs),
      (docs) => `\n ${JSON.stringify(docs, null, 2)}\r\n`,
      (docs) => docs.map((d) => JSON.stringify(d, null, '\t')).join('\n'),
      (docs) => docs.map((d) => JSON.stringify(d)).join(' '),
    );
    const documents = fc.array(fc.oneof(hard, fc.record({ extra, text: hard })));
    await fc.assert(
      fc.asyncProperty(documents, styles, sizes, async (docs, style, cuts) => {
        const { texts, bad, tally, error } = await read(jsonValues, style(docs), { sizes: cuts });
        const all = docs.map((d) => (typeof d === 'string' ? d : d.text));
        expect([bad, error]).toEqual([[], undefined]);
        expect(texts).toEqual(all.filter((t) => t !== ''));
        expect(tally.empty).toBe(all.filter((t) => t === '').length);
      }),
      { numRuns: 300 },
    );
  });

  it('says in which line a document is bad, which is too long, and that the end is missing', async () => {
    const source = '[\n{"text": "one"},\n{"text": 2},\n{"text": "th}ree"},\n{"text" "x"},\n\n"five", 6]';
    expect(await read(jsonValues, source)).toMatchObject({
      texts: ['one', 'th}ree', 'five'],
      bad: [
        { line: 3, reason: 'no text in the field text: it holds a number' },
        { line: 5, reason: 'not valid JSON' },
        { line: 7, reason: 'no text in the field text: it is a number, not an object' },
      ],
      error: undefined,
    });
    const long = `[{"text": "${'x'.repeat(100)}"},\n{"text": "short"}]`;
    for (const sizes of [[], [50, 10], [7, 7, 7, 7, 7]])
      expect(await read(jsonValues, long, { sizes, longest: 60 })).toMatchObject({
        texts: ['short'],
        bad: [{ line: 1, reason: '112 bytes are too many for a document' }],
      });
    const early = await read(jsonValues, source.slice(0, 30));
    expect(early.texts).toEqual(['one']);
    expect(early.error).toMatchObject({ trouble: 'cut off' });
    expect((await read(jsonValues, '["a"]\n["b"]')).error).toMatchObject({
      message: 'holds more behind the end of its list, in line 2',
    });
    expect((await read(jsonValues, '["a"] \n\n')).error).toBeUndefined();
    expect(early.error).toBeInstanceOf(FileError);
  });
});

describe('lines of JSON', () => {
  it('may have NaN and infinities, as Python writes them: the text is taken, and counted', async () => {
    const source =
      '{"text": "NaN", "x": NaN}\n{"text": "a \\" Infinity", "x": [-Infinity, Infinity]}\n{"text": NaN}\n{"text": "c"}\nNaNa\n';
    expect(await read(jsonLines, source)).toMatchObject({
      texts: ['NaN', 'a " Infinity', 'c'],
      tally: { nonFinite: 3, empty: 1 },
      bad: [{ line: 5, reason: 'not valid JSON' }],
    });
  });

  it('say what they are instead', async () => {
    const { bad, absent } = await read(
      jsonLines,
      `{'text': 'Python'}\n["a"]\n{"body": "x", "meta": {"lang": "en"}, "n": 1}\n`,
    );
    expect(bad.map((b) => b.reason)).toEqual([
      "not JSON, but Python's notation: write it with json.dumps",
      'no text in the field text: it is a list, not an object',
    ]);
    expect(absent).toEqual({
      documents: 1,
      reason: 'no text in the field text: there are body, meta.lang, n; try --text-field body',
    });
  });

  it('may have no text, which is told as an empty one is; whether a field is absent other rows tell', async () => {
    const source = `{"text": null}\n{"text": ""}\n{"text": "a"}\n{"body": null}\n`;
    expect(await read(jsonLines, source)).toMatchObject({
      texts: ['a'],
      tally: { empty: 2 },
      bad: [],
      absent: { documents: 1, reason: 'no text in the field text: there are body' },
    });
    const nested = `{"doc": null}\n{"doc": {"text": null}}\n{"doc": {"text": "b"}}\n{"doc": {"body": "c"}}\n`;
    expect(await read(jsonLines, nested, { selection: { textField: 'doc.text' } })).toMatchObject({
      texts: ['b'],
      tally: { empty: 2 },
      absent: { documents: 1 },
    });
  });

  it('that a condition keeps out need not have a text', async () => {
    const source = `{"kind": "a", "text": "x"}\n{"kind": "b", "body": "y"}\n{"kind": "a", "body": "z"}\n["w"]\n`;
    const where = [{ path: 'kind', values: ['a'] }];
    expect(await read(jsonLines, source, { selection: { where } })).toMatchObject({
      texts: ['x'],
      tally: { filtered: 1 },
      absent: { documents: 1 },
      bad: [{ line: 4 }],
    });
  });

  it('may each begin with a byte order mark, as in files that were put behind each other', async () => {
    expect((await read(jsonLines, '{"text": "a"}\n\ufeff{"text": "b"}\n')).texts).toEqual(['a', 'b']);
  });
});

it('numbers that are not finite are null, and nothing else changes', () => {
  const encode = (value: unknown): string =>
    Array.isArray(value)
      ? `[${value.map(encode).join(', ')}]`
      : typeof value === 'object' && value !== null
        ? `{${Object.entries(value)
            .map(([k, v]) => `${JSON.stringify(k)}: ${encode(v)}`)
            .join(', ')}}`
        : typeof value === 'number' && !Number.isFinite(value)
          ? String(value)
          : JSON.stringify(value);
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      hard,
      fc.constantFrom(Number.NaN, Infinity, -Infinity, 1, null, true),
      fc.array(tie('tree')),
      fc.dictionary(
        hard.filter((k) => k !== '__proto__'),
        tie('tree'),
      ),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      expect(parseJson(encode(value)).value).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
