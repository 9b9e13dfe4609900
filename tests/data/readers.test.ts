import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textFiles } from '../../electron/data/readers/inputs.ts';
import { describe as describeFile, pieceEnd, textPieces } from '../../electron/data/readers/text.ts';
import { firstBadByte, unfinishedTail } from '../../electron/data/readers/utf8.ts';
import { getTokenizer } from '../../electron/data/tokenizers/index.ts';
import { UserError } from '../../electron/errors.ts';
import { tempDir } from '../temp.ts';

function write(dir: string, name: string, content: string | Uint8Array): string {
  const file = path.join(dir, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
  return file;
}

async function readAll(file: string): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of textPieces(file)) pieces.push(piece);
  return pieces;
}

test('files, folders and globs are found in a fixed order, each file once', () => {
  const dir = tempDir();
  const [a, b, c] = ['b.txt', 'sub/a.md', 'sub/c.txt'].map((name) => write(dir, name, 'x'));
  write(dir, 'sub/picture.png', 'x');
  expect(textFiles([dir])).toEqual([a, b, c]);
  expect(textFiles([c!, dir, c!])).toEqual([c, a, b]);
  expect(textFiles([path.join(dir, 'sub', '*.txt')])).toEqual([c]);
  expect(textFiles([path.join(dir, 'sub', 'picture.png')])).toEqual([path.join(dir, 'sub', 'picture.png')]);
});

test('what is not there is named', () => {
  const dir = tempDir();
  expect(() => textFiles([path.join(dir, 'none.txt')])).toThrow(/none\.txt.*check the path/);
  expect(() => textFiles([dir])).toThrow(/holds no \.txt or \.md/);
  expect(() => textFiles([path.join(dir, '*.txt')])).toThrow(/No file matches/);
});

test.skipIf(process.platform === 'win32')('a link that leads nowhere is no file; a path too long is told', () => {
  const dir = tempDir();
  const file = write(dir, 'a.txt', 'x');
  fs.symlinkSync(path.join(dir, 'none'), path.join(dir, 'dangling.txt'));
  expect(textFiles([dir])).toEqual([file]);
  expect(() => textFiles([path.join(dir, 'x'.repeat(5000))])).toThrow(/can't be read/);
});

test('an empty file is refused by name, another is described by size and hash', async () => {
  const dir = tempDir();
  await expect(describeFile(write(dir, 'empty.txt', ''))).rejects.toThrow(/empty\.txt is empty/);
  const file = write(dir, 'text.txt', 'héllo');
  const sha256 = createHash('sha256').update('héllo').digest('hex');
  expect(await describeFile(file)).toEqual({ path: file, bytes: 6, sha256 });
});

test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
  'a file that may not be read is named',
  async () => {
    const file = write(tempDir(), 'secret.txt', 'x');
    fs.chmodSync(file, 0);
    await expect(readAll(file)).rejects.toThrow(/secret\.txt can't be read/);
  },
);

test('bytes that are no UTF-8 are refused with their place, wherever they stand', async () => {
  const dir = tempDir();
  const chunk = 1 << 20; // what a file is read in
  for (const at of [0, 5, chunk - 1, chunk, chunk + 3]) {
    const bytes = Buffer.alloc(chunk + 10, 'a');
    bytes[at] = 0xff;
    const file = write(dir, `bad-${at}.txt`, bytes);
    await expect(readAll(file), `${at}`).rejects.toThrow(
      new RegExp(`bad-${at}\\.txt is not UTF-8 text \\(byte ${at}\\)`),
    );
    await expect(readAll(file)).rejects.toThrow(UserError);
  }
  const cut = write(dir, 'cut.txt', Buffer.from('abc🙂').subarray(0, 5));
  await expect(readAll(cut)).rejects.toThrow(/cut\.txt is not UTF-8 text \(byte 3\)/);
});

test('a character that two chunks share comes out whole, and a byte order mark does not come out', async () => {
  const dir = tempDir();
  for (const before of [1, 2, 3]) {
    const text = `${'a'.repeat((1 << 20) - before)}🙂é`;
    expect((await readAll(write(dir, `${before}.txt`, text))).join('')).toBe(text);
  }
  expect(await readAll(write(dir, 'bom.txt', '\ufeffabc\ufeff'))).toEqual(['abc\ufeff']);
});

const words = fc.constantFrom(
  'the',
  "it's",
  ' ',
  '  ',
  '\n',
  '\t',
  ',',
  '日本',
  '12',
  '🙂',
  ' a',
  '\r\n',
  '-',
  '\u00a0',
);
const someText = fc.array(words, { minLength: 1, maxLength: 80 }).map((w) => w.join(''));

test('a text that is cut where pieces end has the tokens that it has whole', () => {
  const gpt2 = getTokenizer('gpt2');
  fc.assert(
    fc.property(someText, fc.integer({ min: 1, max: 40 }), (text, length) => {
      if (text.length <= length) return;
      // Text without the end of any word is cut anywhere.
      const end = pieceEnd(text, length);
      const [left, right] = [text.slice(0, end), text.slice(end)];
      if (!/\s/.test(right[0] ?? '') || /\s/.test(left.at(-1)!)) return;
      expect([...gpt2.encode(left), ...gpt2.encode(right)]).toEqual([...gpt2.encode(text)]);
    }),
    { numRuns: 500 },
  );
});

test('a long file comes in pieces that together are the file and tokenise as it does', async () => {
  const line = "Once upon a time, there's a  cat\tthat sat — on 12 mats.\n";
  const text = line.repeat(Math.ceil((5 << 20) / line.length));
  const pieces = await readAll(write(tempDir(), 'long.txt', text));
  expect(pieces.length).toBeGreaterThan(2);
  expect(pieces.join('')).toBe(text);
  const gpt2 = getTokenizer('gpt2');
  const separately = pieces.reduce((sum, piece) => sum + gpt2.encode(piece).length, 0);
  expect(separately).toBe(gpt2.encode(text).length);
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
      const tail = unfinishedTail(bytes);
      if (isText(bytes)) expect(tail).toBe(0);
    }),
    { numRuns: 2000 },
  );
  const whole = Buffer.from('a🙂');
  for (let cut = 1; cut <= 3; cut++) expect(unfinishedTail(whole.subarray(0, 1 + cut))).toBe(cut);
});
