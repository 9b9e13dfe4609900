import type { Parsed } from './documents.ts';
import { documentFormatOf, type ParseJob } from './formats/index.ts';

/** Parses and tokenises some documents of a file, in a worker thread. */
export default (job: ParseJob): Parsed | Promise<Parsed> => documentFormatOf(job.format).parse(job);
