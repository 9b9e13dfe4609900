import fs from 'node:fs';
import path from 'node:path';
import { createHash } from 'node:crypto';
import { littleEndian, type TokenBytes, type Tokens, zeroTokens } from '../../base/tokens.ts';
import type { Manifest, Shard } from '../dataset/manifest.ts';
import { buckets } from '../subsets.ts';
import { type Parsed, validation } from './documents.ts';
import { holdBackEnd } from './holdBack.ts';

/** Tokens that are held back before they are written, for each of a hundred buckets. */
const bufferTokens = 1 << 16;

/** How far a stream of shards is: to go on from there. */
export interface StreamState {
  readonly finished: readonly Shard[];
  /** Tokens in the last file, which is not full. */
  readonly open: number;
}

/** A stream of tokens in files of a size. It can be cut back to where it was. */
class ShardStream {
  readonly #dir: string;
  readonly #prefix: string;
  readonly #shardTokens: number;
  readonly #tokenBytes: TokenBytes;
  readonly #buffer: Tokens;
  #buffered = 0;
  #finished: Shard[];
  #open: { fd: number; tokens: number; hash: ReturnType<typeof createHash> } | undefined;
  /** Whether all that is in the last file is on the disk. */
  #isSynced = true;

  constructor(
    dir: string,
    prefix: string,
    shardTokens: number,
    tokenBytes: TokenBytes,
    state: StreamState | undefined,
  ) {
    this.#dir = dir;
    this.#prefix = prefix;
    this.#shardTokens = shardTokens;
    this.#tokenBytes = tokenBytes;
    this.#buffer = zeroTokens(tokenBytes, bufferTokens);
    this.#finished = [...(state?.finished ?? [])];
    this.#cutBack(state?.open ?? 0);
  }

  get tokens(): number {
    return tokensOf(this.#finished) + (this.#open?.tokens ?? 0) + this.#buffered;
  }

  write(tokens: Tokens): void {
    for (let done = 0; done < tokens.length;) {
      const part = tokens.subarray(done, done + bufferTokens - this.#buffered);
      this.#buffer.set(part, this.#buffered);
      this.#buffered += part.length;
      done += part.length;
      if (this.#buffered === bufferTokens) this.#drain();
    }
  }

  /** Everything that was written is on the disk when this returns. */
  sync(): StreamState {
    this.#drain();
    if (this.#open && !this.#isSynced) fs.fsyncSync(this.#open.fd);
    this.#isSynced = true;
    return { finished: [...this.#finished], open: this.#open?.tokens ?? 0 };
  }

  finish(): readonly Shard[] {
    this.#drain();
    this.#close();
    this.#nameInOrder();
    return this.#finished;
  }

  /** Takes over the files of another stream, behind what it has. They keep their names until this one is finished. */
  adopt(shards: readonly Shard[]): void {
    this.#drain();
    this.#close();
    this.#finished.push(...shards);
  }

  /** Gives files that were adopted the names that they would have had here. */
  #nameInOrder(): void {
    for (const [i, shard] of this.#finished.entries()) {
      const file = this.#fileAt(i);
      if (shard.file === file) continue;
      fs.renameSync(path.join(this.#dir, shard.file), path.join(this.#dir, file));
      this.#finished[i] = { ...shard, file };
    }
  }

  /** Leaves the files as they are. */
  abandon(): void {
    if (this.#open) fs.closeSync(this.#open.fd);
    this.#open = undefined;
  }

  get #file(): string {
    return this.#fileAt(this.#finished.length);
  }

  #fileAt(index: number): string {
    return `${this.#prefix}-${String(index).padStart(5, '0')}.bin`;
  }

  #drain(): void {
    for (let done = 0; done < this.#buffered;) {
      this.#open ??= { fd: fs.openSync(path.join(this.#dir, this.#file), 'wx'), tokens: 0, hash: createHash('sha256') };
      const room = this.#shardTokens - this.#open.tokens;
      const part = this.#buffer.subarray(done, Math.min(this.#buffered, done + room));
      const bytes = littleEndian(part);
      for (let n = 0; n < bytes.length;) n += fs.writeSync(this.#open.fd, bytes, n);
      this.#open.hash.update(bytes);
      this.#open.tokens += part.length;
      this.#isSynced = false;
      done += part.length;
      if (this.#open.tokens === this.#shardTokens) this.#close();
    }
    this.#buffered = 0;
  }

  #close(): void {
    if (!this.#open) return;
    const { fd, tokens, hash } = this.#open;
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    this.#finished.push({ file: this.#file, tokens, sha256: hash.digest('hex') });
    this.#open = undefined;
  }

  /** Removes what was written after the state was kept, and reads the rest of the last file for its hash. */
  #cutBack(tokens: number): void {
    const names = fs.readdirSync(this.#dir).filter((n) => n.startsWith(`${this.#prefix}-`));
    const known = new Set(this.#finished.map((s) => s.file));
    const last = this.#file;
    for (const name of names)
      if (!known.has(name) && (name !== last || tokens === 0)) fs.rmSync(path.join(this.#dir, name));
    if (tokens === 0) return;
    const file = path.join(this.#dir, last);
    fs.truncateSync(file, this.#tokenBytes * tokens);
    const hash = createHash('sha256').update(fs.readFileSync(file));
    this.#open = { fd: fs.openSync(file, 'a'), tokens, hash };
  }
}

export interface WritersState {
  readonly train: readonly StreamState[];
  readonly val: StreamState;
  /** The long document that is being written. */
  readonly long?: StreamState | undefined;
  /** How many long documents there were, that one included. */
  readonly longs: number;
}

/** Of nothing written. */
export const emptyState: WritersState = { train: [], val: { finished: [], open: 0 }, longs: 0 };

const longPrefix = 'long';

/** A document that is too long to be held: where it belongs is known when its end is. */
export interface LongDocument {
  write(tokens: Tokens): void;
  /** Puts it in its place: a bucket, or `validation`. */
  keep(place: number): void;
  discard(): void;
}

/** The files of a dataset in the making: a stream of shards for each bucket, and one for validation. */
export class Writers {
  readonly #dir: string;
  readonly #shardTokens: number;
  readonly #tokenBytes: TokenBytes;
  readonly #train: readonly ShardStream[];
  readonly #val: ShardStream;
  #longs: number;
  #long: ShardStream | undefined;
  /** Files of long documents that are in no place. What is kept of how far it is may still name them. */
  #dropped: string[] = [];

  /** @param tokenBytes of each token */
  constructor(dir: string, shardTokens: number, tokenBytes: TokenBytes, state: WritersState | undefined) {
    this.#dir = dir;
    this.#shardTokens = shardTokens;
    this.#tokenBytes = tokenBytes;
    this.#train = Array.from(
      { length: buckets },
      (_, b) => new ShardStream(dir, `train-${String(b).padStart(2, '0')}`, shardTokens, tokenBytes, state?.train[b]),
    );
    this.#val = new ShardStream(dir, 'val', shardTokens, tokenBytes, state?.val);
    this.#longs = state?.longs ?? 0;
    if (state?.long) this.#long = this.#longStream(state.long);
    this.#removeUnknownLongs(state);
  }

  /** Each has a name of its own: what was kept of how far it is names files that are there still. */
  #longStream(state?: StreamState): ShardStream {
    return new ShardStream(this.#dir, `${longPrefix}-${this.#longs}`, this.#shardTokens, this.#tokenBytes, state);
  }

  /** Removes what was left of long documents that were not kept to be gone on with. */
  #removeUnknownLongs(state: WritersState | undefined): void {
    const streams = state ? [...state.train, state.val, ...(state.long ? [state.long] : [])] : [];
    const known = new Set(streams.flatMap((s) => s.finished.map(({ file }) => file)));
    const open = state?.long ? `${longPrefix}-${this.#longs}-` : undefined;
    for (const file of fs.readdirSync(this.#dir)) {
      if (!file.startsWith(`${longPrefix}-`) || known.has(file)) continue;
      if (open === undefined || !file.startsWith(open)) fs.rmSync(path.join(this.#dir, file));
    }
  }

  write({ tokens, places, ends }: Parsed): void {
    let begin = 0;
    for (const [i, end] of ends.entries()) {
      this.#stream(places[i]!).write(tokens.subarray(begin, end));
      begin = end;
    }
  }

  /** One at a time. */
  longDocument(): LongDocument {
    this.#longs++;
    return this.#document((this.#long = this.#longStream()));
  }

  /** The one that was being written when the state was kept that this began with. */
  openLongDocument(): LongDocument | undefined {
    return this.#long && this.#document(this.#long);
  }

  #document(own: ShardStream): LongDocument {
    return {
      write: (tokens) => own.write(tokens),
      keep: (place) => {
        this.#long = undefined;
        this.#stream(place).adopt(own.finish());
      },
      discard: () => {
        this.#long = undefined;
        this.#dropped.push(...own.finish().map(({ file }) => file));
      },
    };
  }

  /** Deletes the files of documents that were discarded: nothing that is kept names them any more. */
  removeDropped(): void {
    for (const file of this.#dropped) fs.rmSync(path.join(this.#dir, file), { force: true });
    this.#dropped = [];
  }

  /** How many are written, of long documents that are on their way as well. */
  get tokens(): number {
    return [...this.#train, this.#val, this.#long].reduce((n, stream) => n + (stream?.tokens ?? 0), 0);
  }

  /** @param place a bucket, or `validation` */
  #stream(place: number): ShardStream {
    return place === validation ? this.#val : this.#train[place]!;
  }

  sync(): WritersState {
    const long = this.#long && { long: this.#long.sync() };
    return { train: this.#train.map((s) => s.sync()), val: this.#val.sync(), ...long, longs: this.#longs };
  }

  /** @param end part of the tokens that is held back from the end for validation, where nothing else is */
  finish(end: number): Written {
    this.removeDropped();
    const train = this.#train.map((s) => s.finish());
    const val = this.#val.finish();
    const starts = [0];
    for (const shards of train) starts.push(starts.at(-1)! + tokensOf(shards));
    const total = starts.at(-1)!;
    const fromEnd = val.length === 0 && total > 1;
    // Something for each of the two.
    const held = Math.min(total - 1, Math.max(1, Math.round(total * end)));
    const parts = fromEnd
      ? holdBackEnd(this.#dir, train.flat(), held, this.#tokenBytes)
      : { train: train.flat(), val: [...val] };
    const trainTokens = tokensOf(parts.train);
    return {
      trainTokens,
      valTokens: tokensOf(parts.val),
      shards: parts,
      trainBuckets: starts.map((at) => Math.min(at, trainTokens)),
      validation: fromEnd ? 'end' : 'documents',
    };
  }

  abandon(): void {
    for (const stream of [...this.#train, this.#val, this.#long]) stream?.abandon();
  }
}

const tokensOf = (shards: readonly Shard[]): number => shards.reduce((n, s) => n + s.tokens, 0);

/** What a dataset's description says of its files. */
export type Written = Pick<Manifest, 'trainTokens' | 'valTokens' | 'shards'> & {
  readonly trainBuckets: number[];
  readonly validation: 'documents' | 'end';
};
