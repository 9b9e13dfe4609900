import { isUtf8 } from 'node:buffer';
import { parse as parseCsv } from 'csv-parse/sync';
import { messageOf } from '../../base/errors.ts';
import { Collected, type Parsed, type Selection, takeValue } from '../prepare/documents.ts';
import { columnsFor } from './fields.ts';
import { FileError, noColumn } from './fileError.ts';
import type { DocumentFormat, JobOptions } from './format.ts';
import { RowScanner } from './rowScanner.ts';

interface Payload {
  readonly bytes: Uint8Array;
  /** Where each row ends, and the line it begins in. */
  readonly ends: Int32Array;
  readonly lines: Int32Array;
  readonly delimiter: string;
  /** Names of all columns. */
  readonly names: readonly string[];
}

/** A block of rows is about this large. */
const blockBytes = 1 << 20;
/** So much of a file is looked at for what divides its columns. */
const headBytes = 1 << 16;
const delimiters = [',', ';', '\t', '|'] as const;

/** Tables of comma-separated values (RFC 4180), or of others: a document a row, behind a row of names. */
export const csv: DocumentFormat = {
  name: 'CSV',
  endings: ['.csv', '.tsv', '.tab'],
  unit: 'line',
  reads: 'stream',
  async *jobs({ path: file }, content, { selection, longest, onColumns }) {
    const { head, chunks } = await peeked(content);
    const delimiter = delimiterOf(head, defaultDelimiter(file));
    const rows = new Rows(delimiter, selection, longest, onColumns);
    const isOfReturns = endsLinesByReturns(head);
    for await (const chunk of chunks) {
      rows.push(isOfReturns ? chunk.map((byte) => (byte === 0x0d ? 0x0a : byte)) : chunk);
      if (rows.bytes >= blockBytes) yield* rows.take();
    }
    rows.end();
    yield* rows.take();
    if (rows.openQuote !== undefined)
      throw new FileError(
        'damaged',
        `has a quote in line ${rows.openQuote} that is never closed`,
        'close it, or double quotes within fields',
      );
  },
  parse({ payload, selection }) {
    return parseRows(payload as Payload, selection);
  },
};

/** The begin of a stream, and all of it. */
async function peeked(
  content: AsyncIterable<Uint8Array>,
): Promise<{ head: string; chunks: AsyncIterable<Uint8Array> }> {
  const iterator = content[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  for (let bytes = 0; bytes < headBytes;) {
    const { value, done } = await iterator.next();
    if (done) break;
    first.push(Uint8Array.from(value));
    bytes += value.length;
  }
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* first;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { head: Buffer.concat(first).subarray(0, headBytes).toString('utf8'), chunks: chunks() };
}

const defaultDelimiter = (file: string): string => (/\.(?:tsv|tab)(?:\.|$)/i.test(file) ? '\t' : ',');

/** Whether a text's lines end in carriage returns alone, as old Macs and some exports of Excel have them. */
export const endsLinesByReturns = (head: string): boolean => /\r(?!$)/.test(head) && !head.includes('\n');

/** What the user should know of how a table's columns are divided, where its ending says something else. */
export function delimiterNotice(file: string, head: string): string | undefined {
  const delimiter = delimiterOf(head, defaultDelimiter(file));
  if (delimiter === defaultDelimiter(file)) return undefined;
  return `is read with ${delimiter === '\t' ? 'tabs' : JSON.stringify(delimiter)} between its columns`;
}

/** What divides columns, by the first row: what stands most often between its names. */
function delimiterOf(head: string, expected: string): string {
  const said = /^sep=(.)[\r\n]/i.exec(head)?.[1]; // as Excel has it
  if (said !== undefined) return said;
  const [firstLine] = head.replace(/"(?:[^"]|"")*"/g, '').split(/[\r\n]/, 1);
  const count = (delimiter: string): number => firstLine!.split(delimiter).length - 1;
  if (count(expected) > 0 && expected === '\t') return expected;
  const best = delimiters.toSorted((a, b) => count(b) - count(a))[0]!;
  return count(best) > 0 ? best : expected;
}

/** Cuts rows off a stream, and makes jobs of them. */
class Rows {
  readonly #delimiter: string;
  readonly #selection: Selection;
  readonly #longest: number;
  readonly #scanner: RowScanner;
  #names: readonly string[] | undefined;
  #parts: Uint8Array[] = [];
  #ends: number[] = [];
  #lines: number[] = [];
  /** Of whole rows that wait for a job. */
  bytes = 0;
  /** The row that has not ended; of one that is too long only its size. */
  #open: Uint8Array[] = [];
  #openBytes = 0;
  readonly #onColumns: JobOptions['onColumns'];
  readonly #tooLong: { line: number; reason: string }[] = [];

  constructor(delimiter: string, selection: Selection, longest: number, onColumns: JobOptions['onColumns']) {
    this.#onColumns = onColumns;
    this.#delimiter = delimiter;
    this.#selection = selection;
    this.#longest = longest;
    this.#scanner = new RowScanner(delimiter.charCodeAt(0));
  }

  push(chunk: Uint8Array): void {
    let begin = 0;
    this.#scanner.scan(chunk, (end, line) => {
      this.#row(chunk.subarray(begin, end), line);
      begin = end;
    });
    const rest = chunk.subarray(begin);
    this.#openBytes += rest.length;
    if (this.#openBytes > this.#longest) this.#open = [];
    else if (rest.length > 0) this.#open.push(Uint8Array.from(rest));
  }

  end(): void {
    if (this.#openBytes > 0 && this.openQuote === undefined) this.#row(new Uint8Array(), this.#scanner.firstLine);
  }

  /** The line of a quoted field that has not ended. */
  get openQuote(): number | undefined {
    return this.#scanner.openQuote;
  }

  #row(last: Uint8Array, line: number): void {
    const size = this.#openBytes + last.length;
    const row = [...this.#open, last];
    [this.#open, this.#openBytes] = [[], 0];
    if (size > this.#longest) {
      this.#tooLong.push({ line, reason: `${size} bytes are too many for a row` });
      return;
    }
    if (!this.#names) return this.#header(Buffer.concat(row));
    for (const part of row) if (part.length > 0) this.#parts.push(part);
    this.bytes += size;
    this.#ends.push(this.bytes);
    this.#lines.push(line);
  }

  /** @throws FileError where there is no column of the text */
  #header(row: Buffer): void {
    const text = row.toString('utf8');
    if (text.trim() === '' || /^sep=.\r?\n$/i.test(text)) return;
    const [names = []] = records(row, this.#delimiter);
    this.#names = names.map((name) => name.trim());
    this.#onColumns?.(this.#names.filter((name) => name !== ''));
    for (const column of wantedColumns(this.#selection, this.#names)) {
      const count = this.#names.filter((name) => name === column).length;
      if (count > 1) throw new FileError('wrong type', `has ${count} columns ${column}`, 'rename all of them but one');
    }
    if (columnsFor(this.#selection.textField, this.#names).length === 0)
      throw noColumn(
        this.#selection.textField,
        this.#names.map((name) => name || '(no name)'),
      );
  }

  *take(): Generator<{ format: string; selection: Selection; payload: Payload } | { line: number; reason: string }> {
    if (this.#ends.length > 0) {
      const payload: Payload = {
        bytes: Buffer.concat(this.#parts),
        ends: Int32Array.from(this.#ends),
        lines: Int32Array.from(this.#lines),
        delimiter: this.#delimiter,
        names: this.#names!,
      };
      [this.#parts, this.#ends, this.#lines, this.bytes] = [[], [], [], 0];
      yield { format: csv.name, selection: this.#selection, payload };
    }
    yield* this.#tooLong.splice(0);
  }
}

const records = (bytes: Uint8Array, delimiter: string): string[][] =>
  parseCsv(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), {
    delimiter,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    // A quote within a field that does not begin with one is a quote.
    relax_quotes: true,
  });

/** The columns that a selection looks at. */
const wantedColumns = ({ textField, where }: Selection, names: readonly string[]): Set<string> =>
  new Set([textField, ...where.map((w) => w.path)].flatMap((p) => columnsFor(p, names)));

const isBlank = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0x0a || byte === 0x0d);

function parseRows(payload: Payload, selection: Selection): Parsed {
  const { bytes, ends, lines, delimiter, names } = payload;
  const collected = new Collected();
  const columns = [...wantedColumns(selection, names)].map((name) => [name, names.indexOf(name)] as const);
  const take = (record: readonly string[]): string | undefined => {
    if (record.length !== names.length)
      return `${record.length} column${record.length === 1 ? '' : 's'}, where the first row has ${names.length}`;
    return takeValue(Object.fromEntries(columns.map(([name, i]) => [name, record[i]!])), selection, collected);
  };
  const rowOf = (i: number): Uint8Array => bytes.subarray(i === 0 ? 0 : ends[i - 1], ends[i]);
  const all = isUtf8(bytes) ? tryRecords(bytes, delimiter) : undefined;
  const whole = Array.isArray(all) && all.length === ends.length ? all : undefined;
  for (let i = 0; i < ends.length; i++) {
    const own = rowOf(i);
    if (isBlank(own) && names.length > 1) continue;
    let reason: string | undefined;
    if (whole) reason = take(whole[i]!);
    else if (!isUtf8(own)) reason = 'not UTF-8';
    else {
      // One that is bad does not take others along.
      const found = isBlank(own) ? [['']] : tryRecords(own, delimiter);
      if (Array.isArray(found)) reason = found.length === 1 ? take(found[0]!) : 'no row by itself';
      else reason = `no row (${found.problem})`;
    }
    if (reason !== undefined) collected.bad.push({ line: lines[i]!, reason });
  }
  return collected.parsed;
}

function tryRecords(bytes: Uint8Array, delimiter: string): string[][] | { problem: string } {
  try {
    return records(bytes, delimiter);
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
