import zlib from 'node:zlib';
import {
  asyncBufferFromFile,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { decompressLz4, decompressLz4Raw } from 'hyparquet-compressors';
import { messageOf } from '../../base/errors.ts';
import { isSystemError } from '../../base/systemErrors.ts';
import { Collected, noneOf, type Parsed, type Selection, takeValue } from '../prepare/documents.ts';
import { columnsFor } from './fields.ts';
import { damaged, FileError, noColumn } from './fileError.ts';
import type { DocumentFormat, JobOptions } from './format.ts';

interface Payload {
  readonly file: string;
  readonly rows: RowRange;
}

/** Tables of Apache Parquet: a document a row. */
export const parquet: DocumentFormat = {
  name: 'Parquet',
  endings: ['.parquet'],
  unit: 'row',
  reads: 'anywhere',
  async *jobs({ path: file }, _, { selection, ...options }) {
    let ranges: RowRange[];
    try {
      ranges = await rowRanges(file, selection, options);
    } catch (error) {
      if (isSystemError(error) || error instanceof FileError) throw error;
      throw damaged(messageOf(error), error);
    }
    for (const rows of ranges) {
      const limit = { seconds: secondsFor(rows), line: rows.begin + 1, lines: rows.end - rows.begin };
      const payload: Payload = { file, rows };
      yield { format: parquet.name, selection, payload, limit, share: 1 / ranges.length };
    }
  },
  parse({ payload, selection }) {
    const { file, rows } = payload as Payload;
    return parseRows(file, rows, selection);
  },
};

/** Rows of a file that are read at once. */
export interface RowRange {
  readonly begin: number;
  readonly end: number;
  /** Of their text, about. */
  readonly bytes: number;
}

/** Time to read rows in, on a slow machine with other things to do. */
const secondsFor = ({ bytes }: RowRange): number => 60 + Math.ceil(bytes / 1e6);

/** Bytes of text that rows should have together, and that they may have. */
const [targetBytes, maxBytes] = [16e6, 512e6];
/** Text is not compressed better than this: what claims it is damaged. */
const maxTimes = 10_000;

/** By Node's own zlib; snappy is hyparquet's. LZO is not read. */
const compressors: Compressors = {
  GZIP: (bytes) => zlib.gunzipSync(bytes),
  ZSTD: (bytes) => zlib.zstdDecompressSync(bytes),
  BROTLI: (bytes) => zlib.brotliDecompressSync(bytes),
  LZ4: decompressLz4,
  LZ4_RAW: decompressLz4Raw,
};

interface Leaf {
  readonly path: string;
  /** The path that takes its text, where it may have one. */
  readonly text?: string;
}

/** Columns by their paths: leaves of nested ones. */
function leavesOf(column: SchemaTree, prefix = ''): Leaf[] {
  const { children, element } = column;
  const path = `${prefix}${/[."]/.test(element.name) ? JSON.stringify(element.name) : element.name}`;
  const isList = element.converted_type === 'LIST' || element.converted_type === 'MAP';
  if (children.length > 0 && !isList) return children.flatMap((child) => leavesOf(child, `${path}.`));
  if (!isText(column)) return [{ path }];
  return [{ path, text: isList ? `${path}[]` : path }];
}

/** Whether a column holds bytes, or lists of them alone. */
const isText = ({ children, element }: SchemaTree): boolean =>
  children.length === 0 ? element.type === 'BYTE_ARRAY' : children.length === 1 && isText(children[0]!);

/** The columns that a selection needs. @throws FileError where there is none of the text */
function columnsOf(metadata: FileMetaData, { textField, where }: Selection): { text: string[]; all: string[] } {
  const { children } = parquetSchema(metadata);
  const names = children.map((c) => c.element.name);
  const text = columnsFor(textField, names);
  if (text.length === 0)
    throw noColumn(
      textField,
      children.flatMap((c) => leavesOf(c)).map(({ path }) => path),
    );
  return { text, all: [...new Set([...text, ...where.flatMap((w) => columnsFor(w.path, names))])] };
}

/**
 * The rows of a Parquet file in stretches that are small enough to be held: row groups, or parts of them where the file
 * has an index of its pages.
 * @throws Error where the file is damaged; FileError where it has no such column, or a row group that is too large
 */
export async function rowRanges(
  file: string,
  selection: Selection,
  { maxRows = Infinity, onColumns }: Pick<JobOptions, 'maxRows' | 'onColumns'> = {},
): Promise<RowRange[]> {
  const buffer = await asyncBufferFromFile(file);
  const metadata = await parquetMetadataAsync(buffer);
  const { row_groups: groups, num_rows: rowsSaid } = metadata;
  onColumns?.(
    parquetSchema(metadata)
      .children.flatMap((child) => leavesOf(child))
      .flatMap(({ text }) => text ?? []),
  );
  const columnsOfText = columnsOf(metadata, selection).text;
  const size = buffer.byteLength;
  const ranges: RowRange[] = [];
  let begin = 0;
  for (const { num_rows: n, columns } of groups) {
    const text = columns.filter((c) => columnsOfText.includes(c.meta_data?.path_in_schema[0] ?? ''));
    const bytes = text.reduce((sum, c) => sum + Number(c.meta_data!.total_uncompressed_size), 0);
    if (bytes > maxTimes * size) throw new Error('its sizes make no sense');
    const parts = text.every((c) => c.offset_index_offset) ? Math.max(1, Math.ceil(bytes / targetBytes)) : 1;
    if (bytes / parts > maxBytes)
      throw new FileError(
        'unsupported',
        `has a row group of ${Math.round(bytes / 1e6)} MB of text, which is read as a whole`,
        'write it with smaller ones',
      );
    const rows = Number(n);
    const step = Math.min(maxRows, Math.max(1, Math.ceil(rows / parts)));
    for (let at = 0; at < rows; at += step)
      ranges.push({ begin: begin + at, end: begin + Math.min(rows, at + step), bytes: bytes / parts });
    begin += rows;
  }
  if (begin !== Number(rowsSaid)) throw new Error(`it says ${rowsSaid} rows, and its row groups hold ${begin}`);
  return ranges;
}

/** Of the file that was read last: what its rows are is said once, at its end. */
let known: { file: string; metadata: FileMetaData } | undefined;

/** Documents of some rows. What is none is told, with its row, counted from 1. */
async function parseRows(file: string, range: RowRange, selection: Selection): Promise<Parsed> {
  const { begin, end } = range;
  const collected = new Collected();
  try {
    const buffer = await asyncBufferFromFile(file);
    if (known?.file !== file) known = { file, metadata: await parquetMetadataAsync(buffer) };
    const { metadata } = known;
    const columns = columnsOf(metadata, selection).all;
    const within = { rowStart: begin, rowEnd: end, useOffsetIndex: true };
    const rows = await parquetReadObjects({ file: buffer, metadata, columns, compressors, ...within });
    if (rows.length !== end - begin) throw new Error(`${rows.length} of ${end - begin} rows can be read`);
    for (const [i, row] of rows.entries()) {
      const reason = takeValue(row, selection, collected);
      if (reason !== undefined) collected.bad.push({ line: begin + i + 1, reason });
    }
    return collected.parsed;
  } catch (error) {
    return noneOf(begin + 1, end - begin, `damaged (${messageOf(error)})`);
  }
}
