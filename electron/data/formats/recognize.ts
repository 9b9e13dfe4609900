import { FileError } from './fileError.ts';

/** Of text. Others are refused. */
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** How a file is compressed, by its first bytes. */
export function compressionOf(head: Uint8Array): 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'lz4' {
  if (startsWith(head, [0x1f, 0x8b])) return 'gzip';
  if (startsWith(head, [0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  // A frame that is to be skipped, as pzstd writes first. LZ4 has the same.
  if ((head[0]! & 0xf0) === 0x50 && startsWith(head.subarray(1), [0x2a, 0x4d, 0x18])) return 'zstd';
  if (startsWith(head, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])) return 'xz';
  if (startsWith(head, 'BZh') && startsWith(head.subarray(4), [0x31, 0x41, 0x59, 0x26, 0x53, 0x59])) return 'bzip2';
  if (startsWith(head, [0x04, 0x22, 0x4d, 0x18])) return 'lz4';
  return 'none';
}

const asText = 'export its text to a .txt file, and name that';
const unpack = 'unpack it, and name the files or the folder';
const noText = 'leave it out';
const weights = 'import a model with `trainyard import`';

interface Signature {
  readonly what: string;
  readonly advice: string;
  /** Bytes, or characters, that it begins with. */
  readonly startsWith: string | readonly number[];
  /** Where they are. Default: at the begin. */
  readonly at?: number;
}

/** What is never text. Zip archives are told apart below. */
const signatures: readonly Signature[] = [
  { what: 'a PDF', startsWith: '%PDF', advice: asText },
  { what: 'an RTF document', startsWith: '{\\rtf', advice: asText },
  { what: 'an old Office document', startsWith: [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], advice: asText },
  { what: 'a picture (PNG)', startsWith: [0x89, 0x50, 0x4e, 0x47], advice: noText },
  { what: 'a picture (JPEG)', startsWith: [0xff, 0xd8, 0xff], advice: noText },
  { what: 'a picture (GIF)', startsWith: 'GIF8', advice: noText },
  { what: 'a picture (TIFF)', startsWith: [0x49, 0x49, 0x2a, 0], advice: noText },
  { what: 'a picture (TIFF)', startsWith: [0x4d, 0x4d, 0, 0x2a], advice: noText },
  { what: 'a picture (WebP)', startsWith: 'WEBP', at: 8, advice: noText },
  { what: 'audio (WAV)', startsWith: 'WAVE', at: 8, advice: noText },
  { what: 'video (AVI)', startsWith: 'AVI ', at: 8, advice: noText },
  { what: 'audio or video (MPEG-4)', startsWith: 'ftyp', at: 4, advice: noText },
  { what: 'audio (MP3)', startsWith: 'ID3', advice: noText },
  { what: 'audio (FLAC)', startsWith: 'fLaC', advice: noText },
  { what: 'audio (Ogg)', startsWith: 'OggS', advice: noText },
  { what: 'audio or video (Matroska)', startsWith: [0x1a, 0x45, 0xdf, 0xa3], advice: noText },
  { what: 'a tar archive', startsWith: 'ustar', at: 257, advice: unpack },
  { what: 'a 7z archive', startsWith: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], advice: unpack },
  { what: 'a RAR archive', startsWith: 'Rar!\x1a\x07', advice: unpack },
  { what: 'a NumPy array', startsWith: '\x93NUMPY', advice: 'read tokens with `trainyard tokens import`' },
  { what: 'an SQLite database', startsWith: 'SQLite format 3\0', advice: 'export its texts as JSON lines' },
  { what: 'an HDF5 file', startsWith: [0x89, 0x48, 0x44, 0x46], advice: 'export its texts as JSON lines' },
  { what: 'a model in GGUF', startsWith: 'GGUF', advice: weights },
  { what: 'a file of model weights (safetensors)', startsWith: '{"', at: 8, advice: weights },
  { what: 'an Avro file', startsWith: 'Obj\x01', advice: 'convert it to Parquet' },
  { what: 'an ORC file', startsWith: 'ORC', advice: 'convert it to Parquet' },
  { what: 'an encrypted Parquet file', startsWith: 'PARE', advice: 'decrypt it first' },
  { what: 'a Feather file of version 1', startsWith: 'FEA1', advice: 'write it again with a newer pyarrow' },
  { what: 'a macOS metadata file', startsWith: [0, 5, 0x16, 7], advice: noText },
  { what: 'a program', startsWith: '\x7fELF', advice: noText },
  { what: 'a program', startsWith: 'MZ', advice: noText },
  ...[2, 3, 4, 5].map((version) => ({
    what: 'a Python pickle',
    startsWith: [0x80, version],
    advice: 'save its texts as JSON lines',
  })),
];

/** What a zip archive is, by the names in it. */
const zips: readonly (readonly [string, string, string])[] = [
  ['word/', 'a Word document (.docx)', asText],
  ['xl/', 'an Excel workbook (.xlsx)', 'save its sheet as .csv, and name that'],
  ['ppt/', 'a PowerPoint presentation (.pptx)', asText],
  ['application/epub+zip', 'an e-book (EPUB)', asText],
  ['application/vnd.oasis', 'an OpenDocument file', asText],
  ['data.pkl', 'a PyTorch file of pickles (.pt)', weights],
  ['.npy', 'NumPy arrays (.npz)', 'save its texts as JSON lines'],
];

const magicOfParquet = 'PAR1';
const magicOfArrow = 'ARROW1';

/** Containers of tables, by their first bytes. An Arrow stream has no name of its own: a marker and a length. */
export function tableOf(head: Uint8Array): 'Parquet' | 'Arrow' | undefined {
  if (startsWith(head, magicOfParquet)) return 'Parquet';
  if (startsWith(head, magicOfArrow)) return 'Arrow';
  const looksLikeMessage = head[6] === 0 && head[7] === 0 && head.length > 64;
  return startsWith(head, [0xff, 0xff, 0xff, 0xff]) && looksLikeMessage ? 'Arrow' : undefined;
}

/** The encoding of text, by its byte order mark. @throws FileError for one that is not read */
export function encodingOf(head: Uint8Array): Encoding {
  const utf32 = startsWith(head, [0xff, 0xfe, 0, 0]) || startsWith(head, [0, 0, 0xfe, 0xff]);
  if (utf32) throw new FileError('unsupported', 'is text in UTF-32', toUtf8('UTF-32'));
  if (startsWith(head, [0xff, 0xfe])) return 'utf-16le';
  if (startsWith(head, [0xfe, 0xff])) return 'utf-16be';
  return 'utf-8';
}

const toUtf8 = (encoding: string): string => `convert it to UTF-8: iconv -f ${encoding} -t UTF-8`;

/**
 * Refuses what is no text, by the begin of its content.
 * @throws FileError that says what it is
 */
export function refuseBinary(head: Uint8Array, encoding: Encoding): void {
  if (startsWith(head, 'version https://git-lfs.github.com/spec/'))
    throw new FileError(
      'wrong type',
      'is a Git LFS pointer: the file itself was not downloaded',
      'run `git lfs pull` in its folder',
    );
  if (encoding !== 'utf-8') return;
  if (startsWith(head, 'PK\x03\x04')) {
    const text = latin1(head);
    const [, what = 'a zip archive', advice = unpack] = zips.find(([name]) => text.includes(name)) ?? [];
    throw new FileError('wrong type', `is ${what}`, advice);
  }
  const found = signatures.find((s) => startsWith(head.subarray(s.at ?? 0), s.startsWith) && isBinaryFor(s, head));
  if (found) throw new FileError('wrong type', `is ${found.what}`, found.advice);
  if (!head.includes(0)) return;
  const half = head.length / 2;
  for (const [parity, name] of [
    [1, 'UTF-16LE'],
    [0, 'UTF-16BE'],
  ] as const) {
    // Latin letters in UTF-16: every other byte is 0.
    const zeros = head.reduce((n, byte, i) => n + (byte === 0 && i % 2 === parity ? 1 : 0), 0);
    const others = head.reduce((n, byte, i) => n + (byte === 0 && i % 2 !== parity ? 1 : 0), 0);
    if (zeros > 0.7 * half && others < 0.01 * half)
      throw new FileError('unsupported', `looks like text in ${name} without a byte order mark`, toUtf8(name));
  }
  throw new FileError('wrong type', 'is binary: it holds zero bytes', 'name text files, or tables of texts');
}

/** Signatures of letters alone may also begin a text: those need a zero byte near by, or bytes that are no text. */
function isBinaryFor({ startsWith: signature, at = 0 }: Signature, head: Uint8Array): boolean {
  if (typeof signature !== 'string') return true;
  if (signature.startsWith('%PDF') || signature.startsWith('{\\rtf')) return true;
  return head.subarray(0, 4096).includes(0) || (at === 0 && /[^\x20-\x7e]/.test(signature));
}

function startsWith(head: Uint8Array, bytes: string | readonly number[]): boolean {
  const wanted = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  return head.length >= wanted.length && wanted.every((byte, i) => head[i] === byte);
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
