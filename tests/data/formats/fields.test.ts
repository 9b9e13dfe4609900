import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsFor, parseWhere, textAt, valueAt, whyNoText } from '../../../electron/data/formats/fields.ts';
import { UsageError } from '../../../electron/base/errors.ts';

describe('a path', () => {
  const row = {
    a: { b: 1, 'c.d': 2, e: { f: 3 } },
    'a.b': 4,
    'x.y': { z: 5 },
    'x."q"': 6,
    list: [{ t: 'one' }, { t: 'two' }, {}],
    texts: ['p', 'q'],
  };
  it.each<[string, unknown]>([
    ['a.b', 4], // a name that holds dots wins
    ['"a".b', 1],
    ['a."b"', 1],
    ['a.c.d', 2],
    ['a."c.d"', 2],
    ['a.e.f', 3],
    ['x.y.z', 5],
    ['"x.y".z', 5],
    ['x."y".z', undefined],
    ['x."q"', 6],
    ['list[1].t', 'two'],
    ['list[].t', ['one', 'two']],
    ['texts[0]', 'p'],
    ['texts[2]', undefined],
    ['toString', undefined],
    ['a.b.c', undefined],
  ])('%s leads to its value', (path, value) => expect(valueAt(row, path)).toEqual(value));

  it('of a text may take all of a list, a line each, and says how where it does not', () => {
    expect(textAt(row, 'texts[]')).toBe('p\nq');
    expect(textAt(row, 'list[].t')).toBe('one\ntwo');
    expect(textAt(row, 'texts')).toBeUndefined();
    expect(whyNoText(row, 'texts')).toMatch(/holds a list; --text-field 'texts\[\]' takes all of it, 'texts\[0\]'/);
    expect(whyNoText({ a: { content: 'x' }, n: 1 }, 'text')).toMatch(
      /there are a\.content, n; try --text-field a\.content$/,
    );
    expect(whyNoText({ 'a.b': 'x' }, 'text')).toMatch(/there are "a\.b"; try --text-field '"a\.b"'$/);
    expect(() => valueAt(row, '"a.b')).toThrow(UsageError);
    expect(() => valueAt(row, '')).toThrow(UsageError);
  });

  it('is found again, whatever the keys of its objects are', () => {
    const key = fc.string({ unit: fc.constantFrom('a', '.', '"', '[', ']', '\\', ' ', 'ü') });
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), (keys) => {
        const value = keys.reduceRight<unknown>((inner, k) => ({ [k]: inner }), 'found');
        expect(valueAt(value, keys.map((k) => `"${k.replace(/[\\"]/g, '\\$&')}"`).join('.'))).toBe('found');
      }),
    );
  });

  it('begins in the columns of a table whose names it may hold', () => {
    expect(columnsFor('a.b.c', ['a', 'a.b', 'a.b.c', 'b', 'c'])).toEqual(['a', 'a.b', 'a.b.c']);
    expect(columnsFor('"a.b".c', ['a', 'a.b', 'a.b.c'])).toEqual(['a.b']);
    expect(columnsFor('list[0].t', ['list', 't'])).toEqual(['list']);
  });
});

describe('a condition', () => {
  it.each<[string, string, string[]]>([
    ['lang=en,de', 'lang', ['en', 'de']],
    ['f="a,b",c', 'f', ['a,b', 'c']],
    ['f="say ""x"""', 'f', ['say "x"']],
    ['f=', 'f', ['']],
    ['"a=b".c=d=e', '"a=b".c', ['d=e']],
    ['n=1,true', 'n', ['1', 'true']],
  ])('%s', (text, path, values) => expect(parseWhere(text)).toEqual({ path, values }));

  it('is refused when it is none', () => {
    for (const text of ['lang', '=x', 'f="a', 'f="a"b', '"f=x']) expect(() => parseWhere(text)).toThrow(UsageError);
  });
});
