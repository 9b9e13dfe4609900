import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { safeCut } from '../../../electron/data/prepare/text/cut.ts';
import { Cutter, type Segment, segmentBytes } from '../../../electron/data/prepare/text/cutter.ts';
import { Utf8Stream } from '../../../electron/data/prepare/text/encoding.ts';
import { separatorOf } from '../../../electron/data/prepare/text/separator.ts';
import { firstBadByte } from '../../../electron/data/prepare/text/utf8.ts';
import { getTokenizer } from '../../../electron/data/tokenizers/index.ts';

const words = fc.constantFrom(
  ...[
    'the',
    "it's",
    "'",
    's',
    're',
    ' ',
    '  ',
    '\n',
    '\n\n',
    '\t',
    ',',
    '日本',
    '。',
    '12',
    '½',
    '🙂',
    ' a',
    '\r\n',
    '-',
  ],
  ...["''", "'ll", "!'", '\u00a0', '\u0085', '\ufeff', '\u180e', '\u200b', '\u001c', '\u2028', 'é', 'ा'],
);
const someText = fc.array(words, { minLength: 1, maxLength: 80 }).map((w) => w.join(''));

/** All segments of a text that comes in chunks of some sizes. */
function segmentsOf(bytes: Buffer, sizes: readonly number[], separator?: string): Segment[] {
  const cutter = new Cutter(separator === undefined ? undefined : separatorOf(separator));
  const segments: Segment[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes.length > 0 ? sizes[i % sizes.length]! : bytes.length;
    segments.push(...cutter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  segments.push(...cutter.end());
  return segments;
}

/** Documents put together from their parts. */
function documentsOf(segments: readonly Segment[]): string[] {
  const documents: Buffer[][] = [];
  for (const { bytes, first, sha256, last } of segments) {
    if (first) documents.push([]);
    documents.at(-1)!.push(Buffer.from(bytes));
    const whole = Buffer.concat(documents.at(-1)!);
    if (last && sha256 !== undefined) expect(sha256).toBe(createHash('sha256').update(whole).digest('hex'));
  }
  return documents.map((parts) => Buffer.concat(parts).toString());
}

test('a text that is cut where it may be cut has the tokens that it has whole', () => {
  const gpt2 = getTokenizer('gpt2');
  let cuts = 0;
  fc.assert(
    fc.property(someText, fc.nat(300), fc.nat(60), (text, from, size) => {
      const bytes = Buffer.from(text);
      const begin = Math.min(from, bytes.length);
      const at = safeCut(bytes, 0, Math.min(bytes.length - 1, begin + size));
      if (at < 0) return;
      cuts++;
      const [left, right] = [bytes.subarray(0, at).toString(), bytes.subarray(at).toString()];
      expect(left + right).toBe(text); // between characters
      expect([...gpt2.encode(left), ...gpt2.encode(right)]).toEqual([...gpt2.encode(text)]);
    }),
    { numRuns: 5000 },
  );
  expect(cuts).toBeGreaterThan(3000);
});

describe('a long text', () => {
  const gpt2 = getTokenizer('gpt2');
  const line = "Once upon a time, there's a  cat\tthat sat — on 12 mats.\n";
  it.each([
    ['lines', line.repeat(Math.ceil((5 << 20) / line.length))],
    ['one line of words', 'a few words, '.repeat(400_000)],
    ['no space at all', 'これは日本語の文章です。句読点はありますが、空白はありません。'.repeat(60_000)],
  ])('of %s comes in parts that together are it and tokenize as it does', (_, text) => {
    const segments = segmentsOf(Buffer.from(text), [1 << 20]);
    expect(segments.length).toBeGreaterThan(2);
    for (const { bytes } of segments) expect(bytes.length).toBeLessThanOrEqual(2 * segmentBytes);
    expect(documentsOf(segments)).toEqual([text]);
    const parts = segments.flatMap(({ bytes }) => [...gpt2.encode(Buffer.from(bytes).toString())]);
    const whole = gpt2.encode(text);
    expect(parts.length).toBe(whole.length);
    expect(
      Buffer.from(Uint16Array.from(parts).buffer).equals(Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength)),
    ).toBe(true);
  });

  it('of one word is cut between characters at last', () => {
    const text = 'é'.repeat(10 << 20);
    const segments = segmentsOf(Buffer.from(text), [1 << 20]);
    expect(segments.length).toBeGreaterThan(1);
    for (const { bytes } of segments) expect(Buffer.from(bytes).toString()).not.toContain('\ufffd');
    expect(documentsOf(segments).join('') === text).toBe(true);
  });
});

describe('documents', () => {
  const separator = '<|endoftext|>';
  const piece = fc.constantFrom('a', ' b', '\n', '<', '<|', 'endoftext', '|>', separator, '日本');
  const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 5 });

  it('lie between literal separators, however the text comes in', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), sizes, (pieces, chunks) => {
        const text = pieces.join('');
        expect(documentsOf(segmentsOf(Buffer.from(text), chunks, separator))).toEqual(
          text.split(separator).filter((d) => d !== ''),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('lie between blank lines, however the text comes in', () => {
    const parts = fc.constantFrom('a', 'b\n', '\n', '\n\n', '\r\n', ' \n', '\t', 'c d');
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 40 }), sizes, (pieces, chunks) => {
        const text = pieces.join('');
        expect(documentsOf(segmentsOf(Buffer.from(text), chunks, 'blank-lines'))).toEqual(
          text.split(/\r?\n(?:[ \t\r]*\n)+/).filter((d) => d !== ''),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('that are longer than what is held lie between separators, too', () => {
    const [long, short] = ['many words. '.repeat(300_000), 'few words'];
    const text = [short, long, short, short, long].join(separator);
    const segments = segmentsOf(Buffer.from(text), [1 << 20], separator);
    expect(documentsOf(segments)).toEqual([short, long, short, short, long]);
    for (const { bytes, offset } of segments)
      expect(
        Buffer.from(text)
          .subarray(offset, offset + bytes.length)
          .equals(bytes),
      ).toBe(true);
  });
});

describe('an encoding', () => {
  const decoded = (bytes: Uint8Array, size: number): string => {
    const stream = new Utf8Stream();
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size)
      parts.push(Uint8Array.from(stream.push(bytes.subarray(at, at + size))));
    return Buffer.concat([...parts, stream.end()]).toString();
  };
  const bigEndian = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

  it('is told by a byte order mark, which is no part of the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 9 }), (text, size) => {
        const marked = `\ufeff${text}`;
        expect(decoded(Buffer.from(marked), size)).toBe(text);
        expect(decoded(Buffer.from(marked, 'utf16le'), size)).toBe(text);
        expect(decoded(bigEndian(marked), size)).toBe(text);
        if (!text.startsWith('\ufeff')) expect(decoded(Buffer.from(text), size)).toBe(text);
      }),
    );
    expect(() => decoded(Buffer.concat([Buffer.from('\ufeffab', 'utf16le'), Buffer.from([0])]), 4)).toThrow(/UTF-16/);
  });
});

test('UTF-8 is judged as the platform judges it', () => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const isText = (bytes: Uint8Array): boolean => {
    try {
      strict.decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  const nearText = fc
    .tuple(fc.string({ unit: 'binary', maxLength: 8 }), fc.uint8Array({ maxLength: 3 }), fc.nat(20))
    .map(([text, extra, at]) => {
      const bytes = Buffer.from(text, 'utf8');
      return Uint8Array.from([...bytes.subarray(0, at), ...extra, ...bytes.subarray(at)]);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 12 }), nearText), (bytes) => {
      const at = firstBadByte(bytes);
      expect(at === -1).toBe(isText(bytes));
      if (at >= 0) expect(isText(bytes.subarray(0, at))).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
