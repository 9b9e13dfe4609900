import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Tinypool } from 'tinypool';
import { messageOf, UsageError, UserError } from '../../errors.ts';
import { isSystemError, meaningOf } from '../../exchange/safetensors/systemErrors.ts';
import { entryFile } from '../../paths.ts';
import { isRunning, wholeDataset, writeManifest } from '../make.ts';
import type { Manifest } from '../shards/index.ts';
import { everything, showSubset, type Subset } from '../subsets.ts';
import { getTokenizer, type TokenizerName } from '../tokenizers/index.ts';
import { ArchiveError } from './decompress.ts';
import { Collected, type Parsed, type Selection } from './documents.ts';
import { content, corpusFiles, type CorpusFile } from './files.ts';
import { readJournal, removeJournal, writeJournal } from './journal.ts';
import { lineBlocks } from './lines.ts';
import { Writers } from './writers.ts';

export interface CorpusOptions {
  readonly home: string;
  /** Files, folders, globs: .jsonl, .txt, .md, also .gz and .zst. */
  readonly inputs: readonly string[];
  readonly tokenizer: TokenizerName;
  /** The field of a line's object that has its text. Default: `text`. */
  readonly textField?: string;
  /** Only lines whose fields have one of these values. */
  readonly where?: Selection['where'];
  /** Only documents in these buckets. Default: all. */
  readonly subset?: Subset;
  /** Part of the documents that is kept for validation. Default: a tenth of a little, a two-hundredth of much. */
  readonly valFraction?: number;
  /** Bad lines that are put up with, as a part of all. Default: 0.001. */
  readonly maxBad?: number;
  /** Bytes of a line at most. */
  readonly longestLine?: number;
  readonly shardTokens?: number;
  /** Default: the cores of the machine. */
  readonly threads?: number;
  /** What is done when it is aborted is kept: the next call goes on. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CorpusProgress) => void;
}

export interface CorpusProgress {
  readonly doneBytes: number;
  /** Of the files, as they are on the disk. */
  readonly totalBytes: number;
  /** Of text, decompressed. */
  readonly textBytes: number;
  readonly tokens: number;
  readonly bad: number;
}

export interface FinishedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly documents: number;
  readonly bad: number;
}

/** What is known of the files that are done. */
export interface Progressed {
  readonly done: readonly FinishedFile[];
  readonly textBytes: number;
  /** The first bad lines, for people. */
  readonly badLines: readonly string[];
}

const mostBadLines = 20;
/** Of a file's begin and end, to know it again without reading it. */
const edgeBytes = 1 << 16;

/** What tells a file from one of the same name and size: its begin and its end. */
function edgeHash(file: string, size: number): string {
  const fd = fs.openSync(file, 'r');
  try {
    const hash = createHash('sha256');
    for (const at of [0, Math.max(0, size - edgeBytes)]) {
      const bytes = Buffer.alloc(Math.min(edgeBytes, size));
      fs.readSync(fd, bytes, 0, bytes.length, at);
      hash.update(bytes);
    }
    return hash.digest('hex');
  } finally {
    fs.closeSync(fd);
  }
}

interface Input extends CorpusFile {
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly edge: string;
}

function inspect(file: CorpusFile): Input {
  try {
    const { size, mtimeMs } = fs.statSync(file.path);
    return { ...file, bytes: size, modifiedMs: mtimeMs, edge: edgeHash(file.path, size) };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`The file ${file.path} can't be read: ${meaningOf(error)}.`);
  }
}

/** Validation needs some text to mean something, and no more. */
const usualValFraction = (inputs: readonly Input[]): number =>
  inputs.reduce((n, i) => n + i.bytes, 0) < 100e6 ? 0.1 : 0.005;

/** The first file's name, and a hash of all that decides what is in the dataset. */
function nameOf(inputs: readonly Input[], selection: Selection): string {
  const made = JSON.stringify(['corpus', inputs.map((i) => [path.basename(i.path), i.bytes, i.edge]), selection]);
  const stem =
    path
      .basename(inputs[0]!.path)
      .split('.')[0]!
      .replace(/[^\w-]+/g, '-')
      .slice(0, 40) || 'corpus';
  return `${stem}-${selection.tokenizer}-${createHash('sha256').update(made).digest('hex').slice(0, 8)}`;
}

/**
 * Makes a dataset of documents in files of any size, with memory that does not grow with them: read, decompressed, parsed
 * and tokenised in worker threads, written bucket by bucket. Documents go to a bucket, and to validation, by their text
 * alone. It is whole or absent; what was done before a stop or a crash is not done again.
 * @throws UserError for files that are missing or changed meanwhile, too many bad lines, or a full disk
 */
export async function prepareCorpus(options: CorpusOptions): Promise<Manifest> {
  const { home, tokenizer, textField = 'text', where = [], subset = everything } = options;
  const inputs = corpusFiles(options.inputs).map(inspect);
  const valFraction = options.valFraction ?? usualValFraction(inputs);
  if (!(valFraction > 0 && valFraction < 1))
    throw new UsageError(`The part kept for validation must lie between 0 and 1, and ${valFraction} does not.`);
  const selection: Selection = { tokenizer, textField, where, subset, valFraction };
  const name = nameOf(inputs, selection);
  const dir = path.join(home, 'datasets', name);
  const there = wholeDataset(dir);
  if (there) return there;
  const partial = path.join(home, 'datasets', `.${name}.corpus`);
  const unlock = lock(home, partial, name);
  try {
    const manifest = await new Making(options, selection, inputs, name, partial).run();
    fs.rmSync(dir, { recursive: true, force: true });
    fs.renameSync(partial, dir);
    return manifest;
  } catch (error) {
    if (options.signal?.aborted || error instanceof UserError || !isSystemError(error)) throw error;
    throw new UserError(
      `The dataset can't be written to ${partial}: ${meaningOf(error)}. What is done is kept: make room, and the same command goes on.`,
    );
  } finally {
    unlock();
  }
}

/** Two at once would write the same files. @returns unlocks */
function lock(home: string, partial: string, name: string): () => void {
  const file = `${partial}.lock`;
  try {
    fs.mkdirSync(path.join(home, 'datasets'), { recursive: true });
    const owner = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : Number.NaN;
    if (isRunning(owner) && owner !== process.pid)
      throw new UserError(`The dataset ${name} is being made by process ${owner}: wait for it, or stop it there.`);
    fs.writeFileSync(file, String(process.pid));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`The dataset can't be written to ${partial}: ${meaningOf(error)}.`);
  }
  return () => fs.rmSync(file, { force: true });
}

class Making {
  readonly #options: CorpusOptions;
  readonly #selection: Selection;
  readonly #inputs: readonly Input[];
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
  #doneBytes = 0;

  constructor(options: CorpusOptions, selection: Selection, inputs: readonly Input[], name: string, dir: string) {
    this.#options = options;
    this.#selection = selection;
    this.#inputs = inputs;
    this.#name = name;
    this.#dir = dir;
    fs.mkdirSync(dir, { recursive: true });
    const before = readJournal(dir);
    // Without a journal what is there is of no use.
    if (!before) for (const entry of fs.readdirSync(dir)) fs.rmSync(path.join(dir, entry), { force: true });
    this.#writers = new Writers(dir, options.shardTokens ?? 100_000_000, before?.writers);
    this.#done = [...(before?.done ?? [])];
    this.#badLines = [...(before?.badLines ?? [])];
    this.#textBytes = before?.textBytes ?? 0;
    this.#totalBytes = inputs.reduce((n, i) => n + i.bytes, 0);
    for (const { bytes, documents, bad } of this.#done) {
      this.#doneBytes += bytes;
      this.#good += documents;
      this.#bad += bad;
    }
  }

  async run(): Promise<Manifest> {
    const threads = Math.max(1, this.#options.threads ?? os.availableParallelism());
    const filename = pathToFileURL(entryFile('data/corpus/parse.worker.ts', 'parseWorker.js')).href;
    const pool = new Tinypool({ filename, minThreads: 1, maxThreads: threads });
    try {
      for (const input of this.#inputs.slice(this.#done.length)) {
        this.#options.signal?.throwIfAborted();
        await this.#file(input, pool, threads);
      }
      return this.#finish();
    } finally {
      this.#writers.abandon();
      await pool.destroy();
    }
  }

  async #file(input: Input, pool: Tinypool, threads: number): Promise<void> {
    const before = { good: this.#good, bad: this.#bad, doneBytes: this.#doneBytes };
    const hash = createHash('sha256');
    const onRaw = (bytes: Uint8Array): void => {
      hash.update(bytes);
      this.#doneBytes += bytes.length;
    };
    const chunks = content(input, onRaw);
    try {
      if (input.kind === 'lines') await this.#lines(input, chunks, pool, threads);
      else await this.#text(input, chunks);
    } catch (error) {
      // An archive that was cut off or is damaged: what came before counts.
      if (!(error instanceof ArchiveError)) throw error;
      this.#reject(`${input.path}: the archive is damaged or cut off (${messageOf(error)})`);
    }
    const { size, mtimeMs } = fs.statSync(input.path);
    if (size !== input.bytes || mtimeMs !== input.modifiedMs)
      throw new UserError(`The file ${input.path} was changed while it was read: start again when it is complete.`);
    this.#doneBytes = before.doneBytes + input.bytes;
    const documents = this.#good - before.good;
    this.#done.push({
      path: input.path,
      bytes: input.bytes,
      sha256: hash.digest('hex'),
      documents,
      bad: this.#bad - before.bad,
    });
    const [done, badLines] = [this.#done, this.#badLines];
    writeJournal(this.#dir, { writers: this.#writers.sync(), done, textBytes: this.#textBytes, badLines });
  }

  /** Blocks are parsed by several threads at once and written in their order. */
  async #lines(input: Input, chunks: AsyncIterable<Uint8Array>, pool: Tinypool, threads: number): Promise<void> {
    const selection = this.#selection;
    const flying: Promise<Parsed>[] = [];
    const land = async (): Promise<void> => this.#take(input, await flying.shift()!);
    try {
      for await (const block of lineBlocks(chunks, this.#options.longestLine ?? 64 << 20)) {
        this.#options.signal?.throwIfAborted();
        if ('line' in block) {
          this.#reject(`${input.path}, line ${block.line}: ${block.bytes} bytes are too many for a line`);
          continue;
        }
        const parsed: Promise<Parsed> = pool.run({ ...block, selection });
        parsed.catch(() => {}); // it is awaited in its turn
        flying.push(parsed);
        if (flying.length > threads + 1) await land();
      }
    } finally {
      while (flying.length > 0) await land();
    }
  }

  /** The whole file is one document. */
  async #text(input: Input, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const longest = this.#options.longestLine ?? 64 << 20;
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
    for (const { line, reason } of parsed.bad) this.#reject(`${input.path}, line ${line}: ${reason}`);
    this.#options.onProgress?.({
      doneBytes: this.#doneBytes,
      totalBytes: this.#totalBytes,
      textBytes: this.#textBytes,
      tokens: this.#tokens,
      bad: this.#bad,
    });
  }

  #reject(what: string): void {
    this.#bad++;
    if (this.#badLines.length < mostBadLines) this.#badLines.push(what);
    // Files of something else: told now rather than after all of them.
    if (this.#bad % 1000 === 0 && this.#bad > this.#good) this.#requireGood();
  }

  #requireGood(): void {
    const { maxBad = 0.001 } = this.#options;
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
      settings: { valFraction, textField, where: [...where], subset },
      createdAt: new Date().toISOString(),
    };
    removeJournal(this.#dir);
    writeManifest(this.#dir, manifest);
    return manifest;
  }
}
