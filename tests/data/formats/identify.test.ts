import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { content } from '../../../electron/data/archives/content.ts';
import { identify } from '../../../electron/data/formats/identify.ts';
import { asUtf8 } from '../../../electron/data/prepare/text/encoding.ts';
import { tempDir } from '../../temp.ts';

const docs = Array.from({ length: 20 }, (_, i) => ({ text: `Doc ${i} says hello.`, n: i }));
const lines = docs.map((d) => `${JSON.stringify(d)}\n`).join('');
const list = JSON.stringify(docs);
const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p, 'latin1') : Buffer.from(p))));

async function found(name: string, data: string | Buffer, named = true) {
  const file = path.join(tempDir(), name);
  fs.writeFileSync(file, data);
  const result = await identify(file, { named, textField: 'text' });
  if ('file' in result) return { ...result.file, path: name };
  const { trouble, message, advice } = result.refused;
  return { trouble, message, advice, expected: result.expected };
}

describe('what a file is', () => {
  it.each(['a.csv', 'a.tsv'])('is told without a word of its columns where its ending says them: %s', async (name) => {
    const delimiter = name === 'a.csv' ? ',' : '\t';
    expect(await found(name, `id${delimiter}text\n1${delimiter}a\n`)).not.toHaveProperty('notice');
  });

  it.each<[string, string | Buffer, object]>([
    ['a.json', lines, { format: 'JSON lines' }],
    ['a.jsonl', lines, { format: 'JSON lines' }],
    ['a.ndjson', lines, { format: 'JSON lines' }],
    ['a.jl', lines, { format: 'JSON lines' }],
    ['A.JSON.GZ', zlib.gzipSync(lines), { format: 'JSON lines', compression: 'gzip' }],
    ['a.jl.zst', zlib.zstdCompressSync(lines), { format: 'JSON lines', compression: 'zstd' }],
    ['a.json', list, { format: 'JSON' }],
    ['a.json', `\ufeff${list}`, { format: 'JSON' }],
    ['a.jsonl', JSON.stringify(docs, null, 2), { format: 'JSON' }],
    ['a.json', JSON.stringify(docs.map((d) => d.text)), { format: 'JSON' }],
    ['a.json', docs.map((d) => JSON.stringify(d, null, 2)).join('\n'), { format: 'JSON' }],
    ['a.json', JSON.stringify(docs[0], null, 2), { format: 'JSON' }],
    ['a.json', docs.map((d) => JSON.stringify(d)).join(''), { format: 'JSON' }],
    ['a.jsonl', docs.map((d) => JSON.stringify(d)).join(' '), { format: 'JSON' }],
    ['a.json', JSON.stringify(docs[0]), { format: 'JSON lines' }],
    ['a.json', `{"text": "${'long '.repeat(50_000)}"}\n${lines}`, { format: 'JSON lines' }],
    ['a.json', `{"text": "cut\n${lines}`, { format: 'JSON lines' }],
    ['a.json', '', { format: 'JSON' }],
    ['a.jsonl', Buffer.from(`\ufeff${lines}`, 'utf16le'), { format: 'JSON lines' }],
    ['a.txt', 'Plain.', { format: 'text', compression: 'none' }],
    ['a.txt', zlib.gzipSync('Plain.'), { format: 'text', compression: 'gzip' }],
    ['a.txt', 'A letter called ORC, or GIF8, or MZ: "PAR" and so on', { format: 'text' }],
    ['a.txt', 'GGUF is a format, and ID3 is a tag.', { format: 'text' }],
    [
      'a.txt.gz',
      'Plain.',
      { format: 'text', compression: 'none', notice: 'is not compressed, though its name says so' },
    ],
    [
      'a.txt',
      lines,
      {
        format: 'text',
        notice: 'looks like JSON lines, and is taken as plain text: call it .jsonl to take the texts in it',
      },
    ],
    ['a.py', 'print("x")', { format: 'text', notice: 'is taken as plain text' }],
    ['noEnding', lines, { format: 'JSON lines', notice: 'is taken as JSON lines' }],
    ['a.jsonl', bytes('PAR1', [1, 2, 3, 4]), { format: 'Parquet' }],
    ['a.jsonl', lines.replaceAll('\n', '\r'), { format: 'JSON' }],
    ['a.csv', 'id;text\n1;a\n', { format: 'CSV', notice: 'is read with ";" between its columns' }],
    ['a.csv', 'id\ttext\r1\ta\r', { format: 'CSV', notice: 'is read with tabs between its columns' }],
    ['a.tsv', 'id,text\n1,a\n', { format: 'CSV', notice: 'is read with "," between its columns' }],
    ['a.csv.gz', zlib.gzipSync('id,text'), { format: 'CSV', compression: 'gzip' }],
    ['a.tsv', 'id\ttext', { format: 'CSV' }],
    ['a.feather', bytes('ARROW1', [0, 0]), { format: 'Arrow' }],
  ])('%s %#', async (name, data, expected) => {
    expect(await found(name, data)).toMatchObject(expected);
  });

  it.each<[string, string | Buffer, RegExp]>([
    [
      'a.parquet',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n',
      /^wrong type: is a Git LFS pointer.*git lfs pull/,
    ],
    ['a.jsonl.zst', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n', /Git LFS pointer/],
    ['a.parquet', '<!doctype html>\n404', /^wrong type: is not Parquet: it starts with "<!doctype html>"/],
    ['a.parquet', '', /^cut off: ends early/],
    ['a.parquet.gz', zlib.gzipSync(bytes('PAR1', [0])), /is Parquet compressed as a whole: decompress it/],
    ['a.jsonl', 'id,text\n1,a\n', /^wrong type: is not JSON: it starts with "id,text"/],
    [
      'a.json',
      JSON.stringify({ version: 1, data: docs }),
      /is one JSON object \(no text in the field text: there are version, data\): .*jq -c '\."data"\[\]'/,
    ],
    ['a.json', JSON.stringify({ version: 1, data: docs }, null, 2), /is one JSON object/],
    ['a.json', JSON.stringify({ long: 'x'.repeat(1 << 17) }, null, 2), /is one JSON object/],
    ['a.json', JSON.stringify({ long: 'x'.repeat(1 << 17) }, null, 2).slice(0, -20), /^cut off/],
    ['a.txt', Buffer.from('abc'.repeat(100), 'utf16le'), /looks like text in UTF-16LE without.*iconv/],
    ['a.txt', bytes([0xff, 0xfe, 0, 0, 65, 0, 0, 0]), /text in UTF-32/],
    ['a.txt', bytes('%PDF-1.4\n'), /is a PDF/],
    ['a.txt', bytes([0x89], 'PNG\r\n', [0x1a, 10, 0]), /a picture \(PNG\)/],
    ['a.txt', bytes('ID3', [3, 0, 0]), /audio \(MP3\)/],
    ['a.txt', bytes([0, 0, 0, 24], 'ftypisom', [0, 0]), /MPEG-4/],
    ['a.docx', bytes('PK\x03\x04', [20, 0], 'word/document.xml'), /is a Word document/],
    ['a.epub', bytes('PK\x03\x04', [20, 0], 'mimetypeapplication/epub+zip'), /is an e-book/],
    ['a.pt', bytes('PK\x03\x04', [20, 0], 'archive/data.pkl'), /is a PyTorch file of pickles/],
    ['a.zip', bytes('PK\x03\x04', [20, 0], 'a.txt'), /is a zip archive: unpack it/],
    [
      'a.tar.gz',
      zlib.gzipSync(bytes('a.txt', Array<number>(252).fill(0), 'ustar', [0])),
      /is a tar archive: unpack it/,
    ],
    ['a.7z', bytes([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, 0, 4]), /is a 7z archive/],
    ['a.pkl', bytes([0x80, 4, 0x95, 0, 0]), /is a Python pickle/],
    ['a.npy', bytes('\x93NUMPY', [1, 0]), /is a NumPy array/],
    ['a.txt', bytes([20, 0, 0, 0, 0, 0, 0, 0], '{"a":{"dtype":"F32"'), /safetensors/],
    ['a.db', bytes('SQLite format 3\0'), /is an SQLite database/],
    ['a.txt', 'abc\0def', /is binary: it holds zero bytes/],
    ['a.txt.bz2', bytes('BZh91AY&SY', [0, 1]), /^unsupported: is compressed by bzip2.*bunzip2/],
    ['a.txt.lz4', bytes([4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 9]), /^cut off/],
    ['a.txt.lz4', bytes([4, 0x22, 0x4d, 0x18, 0, 0, 0, 0]), /^damaged: is damaged \(an LZ4 frame of another version\)/],
    ['a.gz', zlib.gzipSync('Plain.').subarray(0, 10), /^cut off/],
    ['a.gz', bytes([0x1f, 0x8b, 8, 0xff, 0xff]), /^damaged/],
    // A frame that wants dictionary 1, and one with a window of 2 TiB.
    ['a.zst', bytes([0x28, 0xb5, 0x2f, 0xfd, 0x21, 1, 4, 0x21, 0, 0, 0x61, 0x61, 0x61, 0x61]), /with a dictionary/],
    ['a.zst', bytes([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x21, 0, 0]), /window of more than 2 GiB/],
  ])('%s is refused %#', async (name, data, expected) => {
    const result = await found(name, data);
    expect('trouble' in result ? `${result.trouble}: ${result.message}: ${result.advice}` : result).toMatch(expected);
  });

  it('is asked less strictly in a folder, of what nobody takes for texts', async () => {
    expect(await found('README.pdf', '%PDF', false)).toMatchObject({ message: 'has the ending .pdf', expected: true });
    expect(await found('dataset_info.json', JSON.stringify({ a: 1 }), false)).toMatchObject({ expected: true });
    expect(await found('state.json', JSON.stringify({ a: 1 }, null, 2), false)).toMatchObject({ expected: true });
    expect(await found('page-1.json', JSON.stringify(docs[0], null, 2), false)).toMatchObject({ format: 'JSON' });
    expect(await found('a.parquet', 'version https://git-lfs.github.com/spec/v1', false)).toMatchObject({
      expected: false,
    });
  });
});

it('content is UTF-8 without a byte order mark, whatever it was', async () => {
  const text = '\ufeff{"text": "ä😀"}\n'.repeat(3);
  const swapped = Buffer.from(text, 'utf16le').swap16();
  for (const data of [Buffer.from(text), Buffer.from(text, 'utf16le'), swapped, zlib.gzipSync(text)]) {
    const file = path.join(tempDir(), 'a.txt');
    fs.writeFileSync(file, data);
    const result = await identify(file, { named: true, textField: 'text' });
    const parts: Uint8Array[] = [];
    if ('file' in result) for await (const part of asUtf8(content(result.file, () => {}))) parts.push(part);
    expect(Buffer.concat(parts).toString()).toBe(text.slice(1));
  }
});
