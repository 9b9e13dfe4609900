import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { UsageError } from '../errors.ts';
import { makeDataset, writeManifest } from './make.ts';
import { textFiles } from './readers/inputs.ts';
import { describe, type Source, textPieces } from './readers/text.ts';
import { hashOf } from './sampling/index.ts';
import { type Manifest, ShardWriter } from './shards/index.ts';
import { bucketOf, buckets } from './subsets.ts';
import { tokenised } from './tokenise.ts';
import { getTokenizer, type TokenizerName } from './tokenizers/index.ts';

export interface PrepareOptions {
  readonly home: string;
  /** Text files, folders, globs. */
  readonly inputs: readonly string[];
  readonly tokenizer: TokenizerName;
  /** Part of the tokens that is kept for validation. */
  readonly valFraction?: number;
  readonly shardTokens?: number;
  /** Leaves nothing behind when it is aborted. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: {
    readonly doneBytes: number;
    readonly totalBytes: number;
    readonly textBytes: number;
    readonly tokens: number;
  }) => void;
}

/** So many documents, and validation takes whole ones; fewer, and it takes the end of the text. */
const manyDocuments = 100;

/**
 * Makes a dataset of text files: tokens in shards, with a part for validation. Documents (files) end with the end of text.
 * The same texts and settings give the dataset that is there already. It is whole or absent: written beside its place,
 * synced, then renamed.
 * @throws UserError for texts that are missing, unreadable, empty or no UTF-8, and a disk that does not take the dataset
 */
export async function prepareDataset(options: PrepareOptions): Promise<Manifest> {
  const { home, tokenizer, valFraction = 0.1, shardTokens = 100_000_000 } = options;
  if (!(valFraction > 0 && valFraction < 1)) {
    throw new UsageError(`The part kept for validation must lie between 0 and 1, and ${valFraction} does not.`);
  }
  const sources: Source[] = [];
  for (const file of textFiles(options.inputs)) sources.push(await describe(file));
  const name = datasetName(sources, tokenizer, valFraction);
  return makeDataset(
    home,
    name,
    (dir, signal) => write(dir, { ...options, signal, name, sources, valFraction, shardTokens }),
    options.signal,
  );
}

/** The first source's name and a hash of what the dataset is made from: the same content, the same name. */
function datasetName(sources: readonly Source[], tokenizer: TokenizerName, valFraction: number): string {
  const made = JSON.stringify(['buckets', sources.map((s) => s.sha256), tokenizer, valFraction]);
  const stem =
    path
      .parse(sources[0]!.path)
      .name.replace(/[^\w-]+/g, '-')
      .slice(0, 40) || 'text';
  return `${stem}-${tokenizer}-${createHash('sha256').update(made).digest('hex').slice(0, 8)}`;
}

/** Documents in the order of their buckets: subsets, which are ranges of buckets, are stretches of tokens then. */
const inBucketOrder = (sources: readonly Source[]): Source[] =>
  sources.toSorted((a, b) => bucketOf(a.sha256) - bucketOf(b.sha256));

/** Where the buckets begin in a stream of tokens. */
class BucketStarts {
  readonly #starts: number[] = [];

  /** To call before each document is written, after `tokens`. */
  mark({ sha256 }: Source, tokens: number): void {
    while (this.#starts.length <= bucketOf(sha256)) this.#starts.push(tokens);
  }

  /** The begin of every bucket and the end of the last, in a stream that was cut after `tokens`. */
  upTo(tokens: number): number[] {
    return Array.from({ length: buckets + 1 }, (_, i) => Math.min(this.#starts[i] ?? tokens, tokens));
  }
}

interface WriteOptions extends PrepareOptions {
  readonly name: string;
  readonly sources: readonly Source[];
  readonly valFraction: number;
  readonly shardTokens: number;
}

async function write(dir: string, options: WriteOptions): Promise<Manifest> {
  const { name, sources, valFraction, shardTokens, tokenizer } = options;
  const { vocabSize } = getTokenizer(tokenizer);
  const starts = new BucketStarts();
  const [train, val] = [new ShardWriter(dir, 'train', shardTokens), new ShardWriter(dir, 'val', shardTokens)];
  try {
    if (sources.length >= manyDocuments) await writeByDocument(options, starts, train, val);
    else await writeByPosition(dir, options, starts, train, val);
  } finally {
    train.close();
    val.close();
  }
  const manifest: Manifest = {
    version: 1,
    name,
    tokenizer,
    vocabSize,
    trainTokens: train.tokens,
    valTokens: val.tokens,
    shards: { train: train.shards, val: val.shards },
    trainBuckets: starts.upTo(train.tokens),
    sources: [...sources],
    settings: { valFraction },
    createdAt: new Date().toISOString(),
  };
  writeManifest(dir, manifest);
  return manifest;
}

/** Each document goes to validation or training by a hash of its text. */
async function writeByDocument(
  options: WriteOptions,
  starts: BucketStarts,
  train: ShardWriter,
  val: ShardWriter,
): Promise<void> {
  let doneBytes = 0;
  for (const source of inBucketOrder(options.sources)) {
    starts.mark(source, train.tokens);
    const share = hashOf(Number.parseInt(source.sha256.slice(0, 12), 16)) / 2 ** 32;
    const to = share < options.valFraction ? val : train;
    for await (const tokens of documentTokens(source, options.tokenizer, () => {})) to.write(tokens);
    doneBytes += source.bytes;
    report(options, doneBytes, train.tokens + val.tokens);
  }
}

/** The last part of all tokens is for validation: they pass through a spool file, for their number is known at the end. */
async function writeByPosition(
  dir: string,
  options: WriteOptions,
  starts: BucketStarts,
  train: ShardWriter,
  val: ShardWriter,
): Promise<void> {
  const spool = path.join(dir, 'spool');
  const fd = fs.openSync(spool, 'wx+');
  try {
    let total = 0;
    let doneBytes = 0;
    for (const source of inBucketOrder(options.sources)) {
      starts.mark(source, total);
      for await (const tokens of documentTokens(source, options.tokenizer, (read) =>
        report(options, doneBytes + read, total),
      )) {
        const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
        for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done);
        total += tokens.length;
      }
      doneBytes += source.bytes;
      report(options, doneBytes, total);
    }
    const cut = total - Math.round(total * options.valFraction);
    const block = new Uint16Array(1 << 20);
    for (let at = 0; at < total;) {
      const end = at < cut ? cut : total;
      const n = Math.min(block.length, end - at);
      fs.readSync(fd, new Uint8Array(block.buffer, 0, 2 * n), 0, 2 * n, 2 * at);
      (at < cut ? train : val).write(block.subarray(0, n));
      at += n;
    }
  } finally {
    fs.closeSync(fd);
    fs.rmSync(spool, { force: true });
  }
}

async function* documentTokens(
  source: Source,
  name: TokenizerName,
  onRead: (bytes: number) => void,
): AsyncGenerator<Uint16Array> {
  const tokenizer = getTokenizer(name);
  const pieces = counted(textPieces(source.path), onRead);
  if (name === 'bytes' || source.bytes < 1 << 20) for await (const text of pieces) yield tokenizer.encode(text);
  else yield* tokenised(pieces, name);
  yield Uint16Array.of(tokenizer.endOfText);
}

/** Passes pieces on, and tells how many bytes have been read. */
async function* counted(pieces: AsyncIterable<string>, onRead: (bytes: number) => void): AsyncGenerator<string> {
  let bytes = 0;
  for await (const piece of pieces) {
    yield piece;
    bytes += Buffer.byteLength(piece);
    onRead(bytes);
  }
}

function report({ onProgress, sources, signal }: WriteOptions, doneBytes: number, tokens: number): void {
  signal?.throwIfAborted();
  onProgress?.({ doneBytes, totalBytes: sources.reduce((n, s) => n + s.bytes, 0), textBytes: doneBytes, tokens });
}
