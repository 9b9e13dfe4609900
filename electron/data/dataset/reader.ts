import { plural } from '../../base/format.ts';
import fs from 'node:fs';
import path from 'node:path';
import { FailureError } from '../../base/errors.ts';
import { littleEndian, type TokenBytes, type Tokens, zeroTokens } from '../../base/tokens.ts';
import { everything, sameSubset, type Subset, subsetRange } from '../subsets.ts';
import { type Manifest, readManifest, type SplitName } from './manifest.ts';

/** The tokens of one split, end to end over its shards; read where they are wanted, never loaded whole. */
export interface TokenSource {
  readonly tokens: number;
  /** Tokens start … start + length - 1. */
  window(start: number, length: number): Int32Array;
}

interface OpenShard {
  readonly fd: number;
  readonly start: number;
  readonly tokens: number;
}

class Split implements TokenSource {
  readonly tokens: number;
  readonly #shards: readonly OpenShard[];
  readonly #dir: string;
  readonly #vocabSize: number;
  readonly #tokenBytes: TokenBytes;

  constructor(shards: readonly OpenShard[], dir: string, { vocabSize, tokenBytes = 2 }: Manifest) {
    this.#shards = shards;
    this.#dir = dir;
    this.#vocabSize = vocabSize;
    this.#tokenBytes = tokenBytes;
    this.tokens = shards.reduce((total, s) => total + s.tokens, 0);
  }

  window(start: number, length: number): Int32Array {
    if (start < 0 || start + length > this.tokens)
      throw new Error(`tokens ${start} + ${length} lie outside of ${this.tokens}`);
    const out = zeroTokens(this.#tokenBytes, length);
    for (const shard of this.#shards) {
      const from = Math.max(start, shard.start);
      const to = Math.min(start + length, shard.start + shard.tokens);
      if (from < to) readTokens(shard.fd, from - shard.start, out.subarray(from - start, to - start));
    }
    for (const token of out) {
      if (token >= this.#vocabSize) {
        throw new FailureError(
          'data',
          `The dataset in ${this.#dir} is damaged (token ${token} of ${this.#vocabSize}): remove that folder and tokenize it again.`,
        );
      }
    }
    return Int32Array.from(out);
  }
}

/** A stretch of another source's tokens. */
class Part implements TokenSource {
  readonly tokens: number;
  readonly #source: TokenSource;
  readonly #start: number;

  constructor(source: TokenSource, start: number, end: number) {
    this.#source = source;
    this.#start = start;
    this.tokens = end - start;
  }

  window(start: number, length: number): Int32Array {
    if (start < 0 || start + length > this.tokens)
      throw new Error(`tokens ${start} + ${length} lie outside of ${this.tokens}`);
    return this.#source.window(this.#start + start, length);
  }
}

/** An open dataset. */
export class Dataset {
  readonly manifest: Manifest;
  readonly #fds: number[] = [];
  readonly #splits: Record<SplitName, TokenSource>;

  constructor(dir: string) {
    this.manifest = readManifest(dir);
    requireBuckets(dir, this.manifest);
    try {
      this.#splits = { train: this.#open(dir, 'train'), val: this.#open(dir, 'val') };
    } catch (error) {
      this.close();
      throw error;
    }
  }

  split(name: SplitName): TokenSource {
    return this.#splits[name];
  }

  /** @throws UserError when the dataset is not divided into subsets */
  trainSubset(subset: Subset): TokenSource {
    if (sameSubset(subset, everything)) return this.#splits.train;
    const { start, end } = subsetRange(this.manifest, subset);
    return new Part(this.#splits.train, start, end);
  }

  close(): void {
    for (const fd of this.#fds.splice(0)) fs.closeSync(fd);
  }

  #open(dir: string, name: SplitName): TokenSource {
    let start = 0;
    const { tokenBytes = 2 } = this.manifest;
    const shards = this.manifest.shards[name].map((shard): OpenShard => {
      const file = path.join(dir, shard.file);
      const size = fs.statSync(file, { throwIfNoEntry: false })?.size;
      if (size === undefined)
        throw new FailureError('data', `The dataset's file ${file} is missing: tokenize the dataset again.`);
      if (size !== tokenBytes * shard.tokens) {
        throw new FailureError(
          'data',
          `The dataset's file ${file} has ${plural(size, 'byte')} instead of ${tokenBytes * shard.tokens}: tokenize the dataset again.`,
        );
      }
      const fd = fs.openSync(file, 'r');
      this.#fds.push(fd);
      const open = { fd, start, tokens: shard.tokens };
      start += shard.tokens;
      return open;
    });
    return new Split(shards, dir, this.manifest);
  }
}

function requireBuckets(dir: string, { trainBuckets, trainTokens }: Manifest): void {
  if (!trainBuckets) return;
  const rises = trainBuckets.every((at, i) => i === 0 || trainBuckets[i - 1]! <= at);
  if (rises && trainBuckets[0] === 0 && trainBuckets.at(-1) === trainTokens) return;
  throw new FailureError(
    'data',
    `The dataset's description in ${dir} is damaged (its subsets): tokenize its text again.`,
  );
}

/** @throws UserError naming the file that is missing or truncated */
export const openDataset = (dir: string): Dataset => new Dataset(dir);

function readTokens(fd: number, at: number, out: Tokens): void {
  const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  for (let done = 0; done < bytes.length;) {
    const n = fs.readSync(fd, bytes, done, bytes.length - done, out.BYTES_PER_ELEMENT * at + done);
    if (n === 0)
      throw new FailureError(
        'data',
        'A file of the dataset became shorter while it was read: tokenize the dataset again.',
      );
    done += n;
  }
  const swapped = littleEndian(out);
  if (swapped.buffer !== out.buffer) bytes.set(swapped);
}
