import { pathToFileURL } from 'node:url';
import { Tinypool } from 'tinypool';
import { entryFile } from '../../base/paths.ts';
import { noneOf, type Parsed } from './documents.ts';
import type { ParseJob } from '../formats/index.ts';
import parseJob from './parse.worker.ts';

/** What parses and tokenizes jobs. */
export interface Parser {
  /** How many jobs it does at once. */
  readonly threads: number;
  parse(job: ParseJob): Promise<Parsed>;
  close(): Promise<void>;
}

/** Does jobs where it is called: for so little that threads are not worth their start. */
export class NoThreads implements Parser {
  readonly threads = 1;
  parse = async (job: ParseJob): Promise<Parsed> => parseJob(job);
  close = async (): Promise<void> => {};
}

/** Threads that parse and tokenize. They live as long as the pool: what they know of words is worth keeping. */
export class ParsePool implements Parser {
  readonly threads: number;
  readonly #pool: Tinypool;

  constructor(threads: number) {
    this.threads = threads;
    const filename = pathToFileURL(entryFile('data/prepare/parse.worker.ts', 'parseWorker.js')).href;
    this.#pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads });
  }

  /** What is not parsed in time is bad: a damaged file can keep its reader busy for ever. */
  async parse(job: ParseJob): Promise<Parsed> {
    if (!job.limit) return (await this.#pool.run(job)) as Parsed;
    const { seconds, line, lines } = job.limit;
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), 1000 * seconds);
    try {
      return (await this.#pool.run(job, { signal: controller.signal })) as Parsed;
    } catch (error) {
      if (!controller.signal.aborted) throw error;
      return noneOf(line, lines, `damaged (not read in ${seconds} seconds)`);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
