import { type Parsed, parseLines, type Selection } from './documents.ts';
import { parseRows, type RowRange } from './parquet.ts';

export type ParseJob =
  | { readonly bytes: Uint8Array; readonly firstLine: number; readonly selection: Selection }
  | {
      readonly file: string;
      readonly rows: RowRange;
      /** After which the thread is given up. */
      readonly seconds: number;
      readonly selection: Selection;
    };

/** Parses and tokenises a block of lines, or some rows, in a worker thread. */
export default (job: ParseJob): Parsed | Promise<Parsed> =>
  'file' in job ? parseRows(job.file, job.rows, job.selection) : parseLines(job.bytes, job.firstLine, job.selection);
