import { type Parsed, parseLines, type Selection } from './documents.ts';

/** Parses and tokenises a block of lines in a worker thread. */
export default (job: { bytes: Uint8Array; firstLine: number; selection: Selection }): Parsed =>
  parseLines(job.bytes, job.firstLine, job.selection);
