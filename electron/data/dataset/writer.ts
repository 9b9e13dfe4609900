import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { littleEndian, type Tokens } from '../../base/tokens.ts';
import type { Shard, SplitName } from './manifest.ts';

/** Writes one split of a dataset: little-endian tokens, all of one width, in files of `shardTokens` each. */
export class ShardWriter {
  readonly shards: Shard[] = [];
  readonly #dir: string;
  readonly #split: SplitName;
  readonly #shardTokens: number;
  #open: { fd: number; file: string; tokens: number; hash: ReturnType<typeof createHash> } | undefined;

  constructor(dir: string, split: SplitName, shardTokens: number) {
    this.#dir = dir;
    this.#split = split;
    this.#shardTokens = shardTokens;
  }

  get tokens(): number {
    return this.shards.reduce((total, s) => total + s.tokens, 0) + (this.#open?.tokens ?? 0);
  }

  write(tokens: Tokens): void {
    for (let done = 0; done < tokens.length;) {
      const shard = this.#current();
      const part = tokens.subarray(done, done + this.#shardTokens - shard.tokens);
      const bytes = littleEndian(part);
      writeFully(shard.fd, bytes);
      shard.hash.update(bytes);
      shard.tokens += part.length;
      done += part.length;
      if (shard.tokens === this.#shardTokens) this.#finish();
    }
  }

  /** Syncs the last file to disk. */
  close(): void {
    this.#finish();
  }

  #current() {
    if (!this.#open) {
      const file = `${this.#split}-${String(this.shards.length).padStart(5, '0')}.bin`;
      this.#open = { fd: fs.openSync(path.join(this.#dir, file), 'wx'), file, tokens: 0, hash: createHash('sha256') };
    }
    return this.#open;
  }

  #finish(): void {
    if (!this.#open) return;
    const { fd, file, tokens, hash } = this.#open;
    this.#open = undefined;
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    this.shards.push({ file, tokens, sha256: hash.digest('hex') });
  }
}

function writeFully(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done, bytes.length - done);
}
