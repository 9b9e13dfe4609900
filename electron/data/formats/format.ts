import type { Parsed, Selection, Unusable } from '../prepare/documents.ts';
import type { Compression as Archive } from '../archives/decompress.ts';

export type Compression = 'none' | Archive;

/** A file of documents, and how it is read. */
export interface CorpusFile {
  readonly path: string;
  /** Name of its format: `formatOf` gives it. */
  readonly format: string;
  readonly compression: Compression;
  /** What the user should know of how it is taken, as a predicate: "is taken as plain text". */
  readonly notice?: string;
}

/** Work for a thread: some documents of a file. It travels to the thread as a structured clone. */
export interface ParseJob {
  readonly format: string;
  readonly selection: Selection;
  /** What the format's `parse` needs. */
  readonly payload: unknown;
  /** Documents that are given up, as unusable, when they take the thread longer than this. */
  readonly limit?: { readonly seconds: number; readonly line: number; readonly lines: number };
  /** Part of the file, from 0 to 1: of formats that don't read it from its begin to its end. */
  readonly share?: number;
}

export interface JobOptions {
  readonly selection: Selection;
  /** Bytes of a document, or a line, at most. */
  readonly longest: number;
  /** Rows of a job at most, of formats that are not read from begin to end: where only the first of them are of interest. */
  readonly maxRows?: number;
  /** Given the columns of a table that may have its text, before one of them is missed. */
  readonly onColumns?: (columns: readonly string[]) => void;
}

/** How files of one kind are read. */
export interface Format {
  /** Unique among formats. */
  readonly name: string;
  /** Endings of files' names, with their dots, in lower case. */
  readonly endings: readonly string[];
  /** What a document is counted in, where it is told which are bad. */
  readonly unit: string;
}

/**
 * A format of many documents. Threads parse what `jobs` cuts off the file, a piece at a time; neither holds more of it than
 * a few pieces.
 */
export interface DocumentFormat extends Format {
  /** Whether files are read from begin to end, so that they may be compressed, or here and there. */
  readonly reads: 'stream' | 'anywhere';
  /**
   * Cuts a file.
   * @param content what is in it, decompressed and in UTF-8: to be read by formats that stream
   * @yields jobs in the order of their documents, and what can't be used already
   * @throws FileError for a file that is damaged, or something else
   */
  jobs(file: CorpusFile, content: AsyncIterable<Uint8Array>, options: JobOptions): AsyncIterable<ParseJob | Unusable>;
  /** Parses and tokenizes a job's documents, in a thread. What is no document is told, with its place. */
  parse(job: ParseJob): Parsed | Promise<Parsed>;
}
