import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { messageOf, UserError } from '../../errors.ts';
import { writeManifest } from '../make.ts';
import type { Manifest } from '../shards/index.ts';
import { showSubset } from '../subsets.ts';
import { getTokenizer } from '../tokenizers/index.ts';
import { Collected, type Parsed, type Selection, type Unusable } from './documents.ts';
import { content } from './files.ts';
import { ArchiveError } from './formats/decompress.ts';
import { documentFormatOf, formatOf, type ParseJob } from './formats/index.ts';
import { type Input, type Inputs, isUnchanged, sha256Of } from './inputs.ts';
import { type FinishedFile, readJournal, removeJournal, writeJournal } from './journal.ts';
import { type CorpusOptions, usualMaxBad } from './options.ts';
import { ParsePool } from './pool.ts';
import { type Order, removeOrder, writeOrder } from './unfinished.ts';
import { Writers } from './writers.ts';

const mostBadLines = 20;
/** Work that may be lost with the process. */
const journalMs = 2000;

/** A dataset on its way: files are read one after another, and what is done is kept. */
export class Making {
  readonly #options: CorpusOptions;
  readonly #selection: Selection;
  readonly #inputs: readonly Input[];
  readonly #copies: Inputs['copies'];
  readonly #name: string;
  readonly #dir: string;
  readonly #writers: Writers;
  readonly #done: FinishedFile[];
  readonly #badLines: string[];
  readonly #totalBytes: number;
  #textBytes: number;
  #tokens = 0;
  #good = 0;
  #bad = 0;
  #rejections = 0;
  #doneBytes = 0;
  /** When it was last kept how far it is. */
  #journalled = -Infinity;

  constructor(
    options: CorpusOptions,
    selection: Selection,
    { inputs, copies }: Inputs,
    name: string,
    dir: string,
    order: Order,
  ) {
    this.#copies = copies;
    this.#options = options;
    this.#selection = selection;
    this.#inputs = inputs;
    this.#name = name;
    this.#dir = dir;
    fs.mkdirSync(dir, { recursive: true });
    const before = readJournal(dir);
    // Without a journal what is there is of no use.
    if (!before) for (const entry of fs.readdirSync(dir)) fs.rmSync(path.join(dir, entry), { force: true });
    writeOrder(dir, order);
    this.#writers = new Writers(dir, options.shardTokens ?? 100_000_000, before?.writers);
    this.#done = [...(before?.done ?? [])];
    this.#badLines = [...(before?.badLines ?? [])];
    this.#textBytes = before?.textBytes ?? 0;
    this.#totalBytes = order.totalBytes;
    for (const { bytes, documents, bad } of this.#done) {
      this.#doneBytes += bytes;
      this.#good += documents;
      this.#bad += bad;
    }
  }

  get #longest(): number {
    return this.#options.longestLine ?? 64 << 20;
  }

  async run(): Promise<Manifest> {
    const threads = Math.max(1, this.#options.threads ?? os.availableParallelism());
    const pool = new ParsePool(threads);
    try {
      for (const input of this.#inputs.slice(this.#done.length)) {
        this.#options.signal?.throwIfAborted();
        await this.#file(input, pool);
      }
      return this.#finish();
    } finally {
      this.#writers.abandon();
      await pool.close();
    }
  }

  async #file(input: Input, pool: ParsePool): Promise<void> {
    const before = { good: this.#good, bad: this.#bad, doneBytes: this.#doneBytes };
    const hash = createHash('sha256');
    const onRaw = (bytes: Uint8Array): void => {
      hash.update(bytes);
      this.#doneBytes += bytes.length;
    };
    let isRead = true;
    try {
      if (input.format === 'text') await this.#text(input, content(input, onRaw));
      else {
        isRead = documentFormatOf(input.format).reads === 'stream';
        await this.#parse(input, this.#jobs(input, content(input, onRaw)), pool);
      }
    } catch (error) {
      // An archive that was cut off or is damaged: what came before counts.
      if (!(error instanceof ArchiveError)) throw error;
      this.#reject(`${input.path}: the file is damaged or cut off (${messageOf(error)})`);
      isRead = false;
    }
    const sha256 = isRead ? hash.digest('hex') : await sha256Of(input.path);
    if (!isUnchanged(input))
      throw new UserError(`The file ${input.path} was changed while it was read: start again when it is complete.`);
    this.#doneBytes = before.doneBytes + input.bytes;
    const [documents, bad] = [this.#good - before.good, this.#bad - before.bad];
    this.#done.push({ path: input.path, bytes: input.bytes, sha256, documents, bad });
    // Of small files not each: a hundred files of shards are synced.
    if (performance.now() - this.#journalled < journalMs) return;
    const [done, badLines] = [this.#done, this.#badLines];
    writeJournal(this.#dir, { writers: this.#writers.sync(), done, textBytes: this.#textBytes, badLines });
    this.#journalled = performance.now();
  }

  async *#jobs(input: Input, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ParseJob> {
    const options = { selection: this.#selection, longest: this.#longest };
    for await (const job of documentFormatOf(input.format).jobs(input, chunks, options)) {
      if ('reason' in job) {
        this.#rejectIn(input, job);
        continue;
      }
      yield job;
      this.#doneBytes += input.bytes * (job.share ?? 0);
    }
  }

  /** What is parsed by several threads at once is written in its order. */
  async #parse(input: Input, jobs: AsyncIterable<ParseJob>, pool: ParsePool): Promise<void> {
    const flying: Promise<Parsed>[] = [];
    const land = async (): Promise<void> => this.#take(input, await flying.shift()!);
    try {
      for await (const job of jobs) {
        this.#options.signal?.throwIfAborted();
        const parsed = pool.parse(job);
        parsed.catch(() => {}); // it is awaited in its turn
        flying.push(parsed);
        if (flying.length > pool.threads + 1) await land();
      }
    } finally {
      while (flying.length > 0) await land();
    }
  }

  /** The whole file is one document. */
  async #text(input: Input, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const longest = this.#longest;
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of chunks) {
      this.#options.signal?.throwIfAborted();
      bytes += chunk.length;
      if (bytes <= longest) parts.push(chunk);
    }
    const collected = new Collected();
    if (bytes > longest) this.#reject(`${input.path}: ${bytes} bytes are too many for one document`);
    else {
      try {
        const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
        collected.add(text, this.#selection);
      } catch {
        this.#reject(`${input.path}: no UTF-8`);
      }
    }
    this.#take(input, collected.parsed);
  }

  #take(input: Input, parsed: Parsed): void {
    this.#writers.write(parsed);
    this.#tokens += parsed.tokens.length;
    this.#textBytes += parsed.textBytes;
    this.#good += parsed.good;
    for (const bad of parsed.bad) this.#rejectIn(input, bad);
    this.#options.onProgress?.({
      doneBytes: this.#doneBytes,
      totalBytes: this.#totalBytes,
      textBytes: this.#textBytes,
      tokens: this.#tokens,
      bad: this.#bad,
    });
  }

  #rejectIn(input: Input, { line, lines = 1, reason }: Unusable): void {
    const { unit } = formatOf(input.format);
    const which = lines === 1 ? `${unit} ${line}` : `${unit}s ${line} to ${line + lines - 1}`;
    this.#reject(`${input.path}, ${which}: ${reason}`, lines);
  }

  /** @param lines so many of them */
  #reject(what: string, lines = 1): void {
    this.#bad += lines;
    this.#rejections++;
    if (this.#badLines.length < mostBadLines) this.#badLines.push(what);
    // Files of something else: told now rather than after all of them.
    if (this.#rejections % 1000 === 0 && this.#bad > this.#good) this.#requireGood();
  }

  #requireGood(): void {
    const { maxBad = usualMaxBad } = this.#options;
    const all = this.#good + this.#bad;
    if (this.#bad <= maxBad * all) return;
    const examples = this.#badLines.slice(0, 3).join('; ');
    throw new UserError(`${this.#bad} of ${all} documents are bad, more than --max-bad ${maxBad} allows: ${examples}.`);
  }

  #finish(): Manifest {
    this.#requireGood();
    const written = this.#writers.finish();
    const { tokenizer, textField, where, subset, valFraction } = this.#selection;
    if (written.trainTokens === 0 || written.valTokens === 0) {
      const part = written.trainTokens === 0 ? 'train on' : 'validate';
      fs.rmSync(this.#dir, { recursive: true, force: true });
      throw new UserError(
        `No document is left to ${part} (${this.#good} documents, documents ${showSubset(subset)}, ${valFraction} of them for validation): use more text or a larger --val-fraction.`,
      );
    }
    const manifest: Manifest = {
      version: 1,
      name: this.#name,
      tokenizer,
      vocabSize: getTokenizer(tokenizer).vocabSize,
      ...written,
      sources: this.#done.map(({ path: file, bytes, sha256 }) => ({ path: file, bytes, sha256 })),
      documents: this.#good,
      bad: { lines: this.#bad, examples: this.#badLines },
      textBytes: this.#textBytes,
      copies: [...this.#copies],
      settings: { valFraction, textField, where: [...where], subset },
      createdAt: new Date().toISOString(),
    };
    removeJournal(this.#dir);
    removeOrder(this.#dir);
    writeManifest(this.#dir, manifest);
    return manifest;
  }
}
