import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { TokenBytes } from '../../base/tokens.ts';
import type { Shard } from '../dataset/manifest.ts';
import type { Input } from '../inputs/inputs.ts';
import { textFormat } from './text/parse.ts';
import type { Separator } from './text/separator.ts';

/** So many text files, and validation takes whole ones; fewer, and it takes the end of the text. */
const manyFiles = 100;

/** Whether validation is held back from the end of the text, rather than by documents. */
export const isHeldBackFromEnd = (inputs: readonly Input[], separator: Separator | undefined): boolean =>
  !separator && inputs.length < manyFiles && inputs.every(({ format }) => format === textFormat);

/**
 * Moves the last tokens of training files to files for validation, in their order.
 * @param train files that were written, in the order of their tokens
 * @param tokens how many, fewer than there are
 * @param tokenBytes of each
 */
export function holdBackEnd(
  dir: string,
  train: readonly Shard[],
  tokens: number,
  tokenBytes: TokenBytes,
): { readonly train: Shard[]; readonly val: Shard[] } {
  const kept: Shard[] = [];
  const val: Shard[] = [];
  let left = train.reduce((n, s) => n + s.tokens, 0) - tokens;
  for (const shard of train) {
    const own = Math.min(left, shard.tokens);
    left -= own;
    if (own === shard.tokens) {
      kept.push(shard);
      continue;
    }
    const file = `val-${String(val.length).padStart(5, '0')}.bin`;
    if (own === 0) {
      fs.renameSync(path.join(dir, shard.file), path.join(dir, file));
      val.push({ ...shard, file });
    } else {
      const [from, to] = [path.join(dir, shard.file), path.join(dir, file)];
      const behind = copyEnd(from, to, tokenBytes * own);
      fs.truncateSync(from, tokenBytes * own);
      kept.push({ ...shard, tokens: own, sha256: hashOfFile(from) });
      val.push({ file, tokens: shard.tokens - own, sha256: behind });
    }
  }
  return { train: kept, val };
}

const blockBytes = 1 << 22;

/** @returns the hash of what was copied */
function copyEnd(from: string, to: string, begin: number): string {
  const hash = createHash('sha256');
  const out = fs.openSync(to, 'wx');
  try {
    for (const block of blocks(from, begin)) {
      hash.update(block);
      for (let n = 0; n < block.length;) n += fs.writeSync(out, block, n);
    }
    fs.fsyncSync(out);
  } finally {
    fs.closeSync(out);
  }
  return hash.digest('hex');
}

function hashOfFile(file: string): string {
  const hash = createHash('sha256');
  for (const block of blocks(file, 0)) hash.update(block);
  return hash.digest('hex');
}

function* blocks(file: string, begin: number): Generator<Uint8Array> {
  const fd = fs.openSync(file, 'r');
  try {
    const block = Buffer.alloc(blockBytes);
    for (let at = begin; ;) {
      const n = fs.readSync(fd, block, 0, block.length, at);
      if (n === 0) return;
      yield block.subarray(0, n);
      at += n;
    }
  } finally {
    fs.closeSync(fd);
  }
}
