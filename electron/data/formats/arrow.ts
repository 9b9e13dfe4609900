import fs from 'node:fs';
import zlib from 'node:zlib';
import { messageOf } from '../../base/errors.ts';
import { isSystemError } from '../../base/systemErrors.ts';
import { Collected, noneOf, type Parsed, type Selection, takeValue } from '../prepare/documents.ts';
import { columnsFor } from './fields.ts';
import type { ArrowMessage } from './arrowMessage.ts';
import { cutOff, damaged, FileError, noColumn } from './fileError.ts';
import type { DocumentFormat, ParseJob } from './format.ts';
import { lz4Frame } from '../archives/lz4.ts';

/** It is large, and few have such files: it is loaded when it is needed. */
const library = (): Promise<typeof import('apache-arrow')> => import('apache-arrow');

/** Bytes of a file, from one to before another. */
type Range = readonly [from: number, to: number];

interface Payload {
  readonly file: string;
  /** Messages that say what the columns are, and what their dictionaries hold. */
  readonly before: readonly Range[];
  readonly batch: Range;
  readonly columns: readonly string[];
  readonly firstRow: number;
  readonly rows: number;
}

/** A batch of rows is held as a whole, by each thread. */
const maxBatchBytes = 512e6;
/** A description of columns, or of a batch, is never as large. */
const maxMetadataBytes = 64 << 20;
/** Rows are not compressed better than this: what claims it is damaged. */
const maxTimes = 10_000;
const magic = 'ARROW1';

/**
 * Tables of Apache Arrow: streams, as Hugging Face's `save_to_disk` writes them, and files, as Feather has them. A document a
 * row.
 */
export const arrow: DocumentFormat = {
  name: 'Arrow',
  endings: ['.arrow', '.feather', '.ipc'],
  unit: 'row',
  reads: 'anywhere',
  async *jobs({ path: file }, _, { selection, onColumns }) {
    const { readMessage } = await import('./arrowMessage.ts');
    const { size } = await fs.promises.stat(file);
    const before: Range[] = [];
    let columns: readonly string[] | undefined;
    let firstRow = 0;
    for (const { range, ...message } of messages(file, size, readMessage)) {
      const bytes = range[1] - range[0];
      if (bytes > maxBatchBytes)
        throw new FileError(
          'unsupported',
          `has a batch of ${Math.round(bytes / 1e6)} MB, which is read as a whole`,
          'write it with smaller ones',
        );
      if (message.type === 'schema') onColumns?.(message.columns);
      if (message.type === 'schema') columns = columnsOf(message.columns, selection);
      if (message.type === 'schema' || message.type === 'dictionary') before.push(range);
      if (message.type !== 'rows') continue;
      const { rows } = message;
      if (!columns) throw damaged('rows come before their columns');
      if (rows > maxTimes * bytes) throw damaged(`a batch of ${rows} rows`);
      const payload: Payload = { file, before, batch: range, columns, firstRow, rows };
      yield jobFor(payload, selection, bytes, size);
      firstRow += rows;
    }
    if (!columns) throw cutOff();
  },
  parse({ payload, selection }) {
    return parseBatch(payload as Payload, selection);
  },
};

function jobFor(payload: Payload, selection: Selection, bytes: number, size: number): ParseJob {
  const limit = { seconds: 60 + Math.ceil(bytes / 1e6), line: payload.firstRow + 1, lines: payload.rows };
  return { format: arrow.name, selection, payload, limit, share: bytes / size };
}

/** @throws FileError where there is none of the text */
function columnsOf(names: readonly string[], { textField, where }: Selection): string[] {
  if (columnsFor(textField, names).length === 0) throw noColumn(textField, names);
  return [...new Set([textField, ...where.map((w) => w.path)].flatMap((path) => columnsFor(path, names)))];
}

/**
 * The messages of a stream, which a file has between its magic and its footer (Arrow Columnar Format, "IPC").
 * @throws FileError where they don't follow each other as they should
 */
function* messages(
  file: string,
  size: number,
  readMessage: (bytes: Uint8Array) => ArrowMessage,
): Generator<ArrowMessage & { readonly range: Range }> {
  const fd = fs.openSync(file, 'r');
  const read = (at: number, length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    if (at + length > size) throw cutOff();
    for (let done = 0, n = 1; done < length && n > 0; done += n)
      n = fs.readSync(fd, bytes, done, length - done, at + done);
    return bytes;
  };
  try {
    const isFile = size >= 8 && read(0, 6).toString('latin1') === magic;
    for (let at = isFile ? 8 : 0; ;) {
      // A stream may end without a mark.
      if (at === size && !isFile && at > 0) return;
      const begin = at;
      let length = read(at, 4).readInt32LE();
      at += 4;
      // Since version 0.15 a marker comes first.
      if (length === -1) {
        length = read(at, 4).readInt32LE();
        at += 4;
      }
      if (length === 0) return;
      if (length < 0 || length > maxMetadataBytes) throw damaged(`a message of ${length} bytes`);
      const found = readMessage(read(at, length));
      at += length + found.bodyLength;
      if (found.bodyLength < 0 || !Number.isSafeInteger(at)) throw damaged('a message of no size');
      if (at > size) throw cutOff();
      yield { ...found, range: [begin, at] };
    }
  } finally {
    fs.closeSync(fd);
  }
}

async function parseBatch(payload: Payload, selection: Selection): Promise<Parsed> {
  const { file, before, batch, columns, firstRow, rows } = payload;
  const collected = new Collected();
  const { CompressionType, compressionRegistry, RecordBatchReader } = await library();
  compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => zlib.zstdDecompressSync(bytes) });
  compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: lz4Frame });
  const handle = await fs.promises.open(file);
  try {
    const parts: Buffer[] = [];
    for (const [from, to] of [...before, batch]) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
      if (bytesRead < to - from) throw new Error('it ends early');
      parts.push(buffer);
    }
    const [found] = [...RecordBatchReader.from(Buffer.concat(parts))];
    if (found?.numRows !== rows) throw new Error(`${found?.numRows ?? 0} of ${rows} rows can be read`);
    const vectors = columns.map((name) => [name, found.getChild(name)] as const);
    for (let i = 0; i < rows; i++) {
      const row = Object.fromEntries(vectors.map(([name, vector]) => [name, plain(vector?.get(i))]));
      const reason = takeValue(row, selection, collected);
      if (reason !== undefined) collected.bad.push({ line: firstRow + i + 1, reason });
    }
    return collected.parsed;
  } catch (error) {
    if (isSystemError(error)) throw error;
    return noneOf(firstRow + 1, rows, `damaged (${messageOf(error)})`);
  } finally {
    await handle.close();
  }
}

/** Structs and lists as objects and arrays. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return [...(value as Uint8Array)];
  if (Symbol.iterator in value && !('toJSON' in value)) return [...(value as Iterable<unknown>)].map(plain);
  const json = 'toJSON' in value && typeof value.toJSON === 'function' ? (value.toJSON() as unknown) : value;
  if (Array.isArray(json)) return json.map(plain);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([key, inner]) => [key, plain(inner)]));
}
