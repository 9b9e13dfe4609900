import fs from 'node:fs';
import path from 'node:path';
import { isSystemError } from '../../base/systemErrors.ts';
import { content } from '../archives/content.ts';
import { textAt, whyNoText } from './fields.ts';
import { asUtf8 } from '../prepare/text/encoding.ts';
import { csv, delimiterNotice, endsLinesByReturns } from './csv.ts';
import { decompressed } from '../archives/decompress.ts';
import { cutOff, damaged, FileError } from './fileError.ts';
import type { Compression, CorpusFile, Format } from './format.ts';
import { formats } from './index.ts';
import { parseJson, ValueScanner } from './json.ts';
import { jsonLines } from './jsonLines.ts';
import { jsonValues } from './jsonValues.ts';
import { compressionOf, type Encoding, encodingOf, refuseBinary, tableOf } from './recognize.ts';
import { text } from './text.ts';

/** What a file is found to be. */
export type Identified =
  | { readonly file: CorpusFile }
  /** `expected`: nobody takes it for texts, so that it may lie in a folder of them. Else it is a fault. */
  | { readonly refused: FileError; readonly expected: boolean };

export interface IdentifyOptions {
  /** Whether the user named the file, rather than a folder that it lies in. */
  readonly named: boolean;
  /** The field of documents that has their text. */
  readonly textField: string;
}

const byEnding = new Map(formats.flatMap((f) => f.endings.map((ending) => [ending, f] as const)));
const compressedEndings = ['.gz', '.gzip', '.zst', '.zstd', '.xz', '.bz2', '.lz4'];
const json: readonly Format[] = [jsonLines, jsonValues];

/** Bytes that are looked at. */
const headBytes = 1 << 16;
/** A JSON object that is larger is no document of its own. */
const maxLoneObject = 64 << 20;

/** The format that a name says, and whether it says that it is compressed. */
function said(file: string): { readonly format: Format | undefined; readonly compressed: boolean } {
  const lower = file.toLowerCase();
  const outer = path.extname(lower);
  const compressed = compressedEndings.includes(outer);
  const inner = compressed ? path.extname(lower.slice(0, -outer.length)) : outer;
  return { format: byEnding.get(inner), compressed };
}

/**
 * What a file is, by its name and by its begin: where they differ, the content is right, but for text, which may look like
 * anything.
 */
export async function identify(file: string, options: IdentifyOptions): Promise<Identified> {
  const { format, compressed } = said(file);
  if (!format && !options.named) {
    const ending = path.extname(file);
    const what = ending === '' ? 'has no ending that says what it is' : `has the ending ${ending}`;
    return { refused: new FileError('wrong type', what, 'name the file itself to have it read'), expected: true };
  }
  try {
    return { file: await look(file, format, compressed, options) };
  } catch (error) {
    // What the system says of it is said again when it is read.
    if (isSystemError(error)) return { file: { path: file, format: (format ?? text).name, compression: 'none' } };
    if (!(error instanceof FileError)) throw error;
    const lone = error instanceof LoneObjectError && !options.named;
    return { refused: error, expected: lone };
  }
}

class LoneObjectError extends FileError {}

async function look(
  file: string,
  format: Format | undefined,
  compressed: boolean,
  { textField }: IdentifyOptions,
): Promise<CorpusFile> {
  const raw = readHead(file);
  const compression = compressionOf(raw.bytes);
  if (compression === 'bzip2')
    throw new FileError('unsupported', 'is compressed by bzip2, which is not read', 'decompress it with bunzip2 -k');
  const head = compression === 'none' ? raw : await decompressedHead(raw, compression);
  const table = tableOf(head.bytes);
  const container = formats.find((f) => f.name === table);
  if (container) {
    if (compression !== 'none')
      throw new FileError('unsupported', `is ${container.name} compressed as a whole`, 'decompress it first');
    return { path: file, format: container.name, compression };
  }
  const encoding = encodingOf(head.bytes);
  refuseBinary(head.bytes, encoding);
  const begin = await beginOf(head.bytes, encoding);
  if (format && 'reads' in format && format.reads === 'anywhere')
    throw head.bytes.length === 0
      ? cutOff()
      : new FileError('wrong type', `is not ${format.name}: it starts with ${quoted(begin)}`, 'look at what was saved');
  const found: CorpusFile = { path: file, format: text.name, compression };
  const notices =
    compressed && compression === 'none' && begin !== '' ? ['is not compressed, though its name says so'] : [];
  const take = (own: Format, notice?: string): CorpusFile => {
    const all = notice === undefined ? notices : [...notices, notice];
    return { ...found, format: own.name, ...(all.length > 0 ? { notice: all.join(', and ') } : {}) };
  };
  const looks = looksLikeJson(begin, head.ended);
  if (format === text)
    return take(
      text,
      looks === undefined
        ? undefined
        : `looks like ${looks.name}, and is taken as plain text: call it ${looks.endings[0]} to take the texts in it`,
    );
  if (format === csv) return take(csv, delimiterNotice(file, begin));
  if (format && !json.includes(format)) return take(format);
  if (!format) return looks ? take(looks, `is taken as ${looks.name}`) : take(text, 'is taken as plain text');
  // An empty file has no documents, whatever it is called.
  if (begin.trim() === '') return take(format);
  if (!looks)
    throw new FileError(
      'wrong type',
      `is not JSON: it starts with ${quoted(begin)}`,
      'give it the ending of what it is, such as .txt or .csv',
    );
  // A `.json` of one object is more often something about data than a document.
  const isAlone = format === jsonValues && head.ended && !begin.trim().includes('\n');
  if (begin.trimStart().startsWith('{') && (looks === jsonValues || isAlone)) await requireText(take(looks), textField);
  return take(looks);
}

interface Head {
  readonly bytes: Uint8Array;
  /** Whether that is all of the file. */
  readonly ended: boolean;
}

function readHead(file: string): Head {
  const fd = fs.openSync(file, 'r');
  try {
    // Files of the kernel (/proc) say that they are empty, and reading some of them never ends.
    if (fs.fstatSync(fd).size === 0) return { bytes: new Uint8Array(), ended: true };
    const bytes = Buffer.alloc(headBytes);
    let length = 0;
    for (let n = 1; n > 0 && length < bytes.length; length += n)
      n = fs.readSync(fd, bytes, length, bytes.length - length, length);
    return { bytes: bytes.subarray(0, length), ended: length < bytes.length };
  } finally {
    fs.closeSync(fd);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** @throws FileError where nothing comes out, and why */
async function decompressedHead(raw: Head, compression: Exclude<Compression, 'none'>): Promise<Head> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of decompressed(once(raw.bytes), compression)) {
      parts.push(part);
      bytes += part.length;
      if (bytes >= headBytes) return { bytes: Buffer.concat(parts), ended: false };
    }
    return { bytes: Buffer.concat(parts), ended: raw.ended };
  } catch (error) {
    // The head is cut off, of course; what else is wrong is found when all is read, if something came before it.
    const isCut = error instanceof FileError && error.trouble === 'cut off';
    if (bytes === 0 && (raw.ended || !isCut)) throw error;
    return { bytes: Buffer.concat(parts), ended: false };
  }
}

/** Text that a file begins with; a character that is cut in two is not in it. */
async function beginOf(head: Uint8Array, encoding: Encoding): Promise<string> {
  const even = encoding === 'utf-8' ? head : head.subarray(0, head.length & ~1);
  const parts: Uint8Array[] = [];
  for await (const part of asUtf8(once(even))) parts.push(part);
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/\ufffd$/, '');
}

const quoted = (begin: string): string => {
  const line = begin.trimStart().split('\n')[0]!.trim();
  return JSON.stringify(line.length > 40 ? `${line.slice(0, 40)}…` : line);
};

function isJson(source: string): 'object' | 'other' | undefined {
  try {
    const { value } = parseJson(source);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? 'object' : 'other';
  } catch {
    return undefined;
  }
}

/** Lines that are tried. */
const maxTried = 20;

/** Which of the formats of JSON a text is, by its begin. */
function looksLikeJson(begin: string, ended: boolean): Format | undefined {
  const start = begin.trimStart();
  // Values that follow each other need no lines at all.
  const byReturns = endsLinesByReturns(start);
  const lines = start.split(byReturns ? '\r' : '\n');
  // The last one may go on.
  if (!ended && lines.length > 1) lines.pop();
  const tried = lines.filter((line) => line.trim() !== '').slice(0, maxTried);
  if (start.startsWith('[')) {
    if (tried.length > 1 && tried.every((line) => isJson(line) !== undefined)) return jsonLines;
    return /^\[\s*(?:["{[\]]|$)/.test(start) && !/^\[[^"{]*[A-Za-z]/.test(start) ? jsonValues : undefined;
  }
  if (tried.some((line) => line.startsWith('{') && isJson(line) === 'object'))
    return byReturns ? jsonValues : jsonLines;
  if (start.startsWith("{'") || /^\{\s*["}]/.test(start) || /^\{\s*$/.test(start))
    return spansLines(start) ? jsonValues : jsonLines;
  if (tried.length > 0 && tried.every((line) => line.startsWith('"') && isJson(line) !== undefined)) return jsonLines;
  return undefined;
}

/** Whether lines do not divide values: the first goes over several, and is not a line that is broken, or a line holds more than one. */
function spansLines(start: string): boolean {
  const bytes = Buffer.from(start);
  const ends: number[] = [];
  const scanner = new ValueScanner();
  scanner.scan(
    bytes,
    () => {},
    (at) => ends.push(at),
  );
  const [firstLine] = start.split('\n', 1);
  const goesOn = /^\{\s*$|[,{[]\s*$/.test(firstLine!);
  if (ends.length === 0) return goesOn && firstLine!.length < start.length;
  const first = bytes.toString('utf8', 0, ends[0]);
  if (first.includes('\n')) return isJson(first) !== undefined;
  const second = bytes.toString('utf8', ends[0], ends[1]);
  return isJson(first) === 'object' && !second.includes('\n') && isJson(second) === 'object';
}

/** A JSON object alone is a document if it has a text. @throws FileError that tells what is in it */
async function requireText(file: CorpusFile, textField: string): Promise<void> {
  const scanner = new ValueScanner();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  let values = 0;
  for await (const chunk of asUtf8(content(file, () => {}))) {
    scanner.scan(
      chunk,
      () => values++,
      () => {},
    );
    if (values > 1) return;
    bytes += chunk.length;
    if (bytes > maxLoneObject)
      throw new LoneObjectError('wrong type', 'is one JSON object, larger than a document may be', takeItsLists);
    parts.push(Uint8Array.from(chunk));
  }
  const source = Buffer.concat(parts).toString('utf8');
  let value: unknown;
  try {
    ({ value } = parseJson(source));
  } catch {
    throw scanner.finish(0, () => {}) ? cutOff() : damaged('it is not valid JSON');
  }
  if (textAt(value, textField) !== undefined) return;
  const lists = Object.entries(value as object).filter(([, v]) => Array.isArray(v) && typeof v[0] === 'object');
  const [key] = lists[0] ?? [];
  const advice =
    key === undefined ? takeItsLists : `make lines of it: jq -c '.${JSON.stringify(key)}[]' FILE > texts.jsonl`;
  throw new LoneObjectError('wrong type', `is one JSON object (${whyNoText(value, textField)})`, advice);
}

const takeItsLists = 'save its texts as JSON lines, an object a line';
