import { pathToFileURL } from 'node:url';
import { Tinypool } from 'tinypool';
import { entryFile } from '../../paths.ts';
import type { Parsed } from './documents.ts';
import { noneOf } from './parquet.ts';
import type { ParseJob } from './parse.worker.ts';

/** Threads that parse and tokenise. They live as long as the pool: what they know of words is worth keeping. */
export class ParsePool {
  readonly threads: number;
  readonly #pool: Tinypool;

  constructor(threads: number) {
    this.threads = threads;
    const filename = pathToFileURL(entryFile('data/corpus/parse.worker.ts', 'parseWorker.js')).href;
    this.#pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads });
  }

  /** Rows that are not read in time are bad ones: a damaged file can keep its reader busy for ever. */
  async parse(job: ParseJob): Promise<Parsed> {
    if (!('file' in job)) return (await this.#pool.run(job)) as Parsed;
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), 1000 * job.seconds);
    try {
      return (await this.#pool.run(job, { signal: controller.signal })) as Parsed;
    } catch (error) {
      if (!controller.signal.aborted) throw error;
      const reason = `damaged (not read in ${job.seconds} seconds)`;
      return noneOf(job.rows, reason);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
