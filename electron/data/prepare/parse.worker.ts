import type { Parsed } from './documents.ts';
import { documentFormatOf, type ParseJob } from '../formats/index.ts';
import { parseText, textFormat, type TextPayload } from './text/parse.ts';

/** Parses and tokenizes some documents of a file, or a part of a long one, in a worker thread. */
export default (job: ParseJob): Parsed | Promise<Parsed> =>
  job.format === textFormat
    ? parseText(job.payload as TextPayload, job.selection)
    : documentFormatOf(job.format).parse(job);
