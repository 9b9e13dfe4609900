import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { encode } from 'gpt-tokenizer/encoding/r50k_base';
import { hashOf } from '../sampling/permutation.ts';
import type { Dataset } from '../dataset/index.ts';
import { bucketOf, buckets } from '../subsets.ts';

/** What tells token streams apart: a checksum of each bucket's, and the last of the validation split's. */
export type StreamHashes = readonly string[];

const endOfText = 50256;
const ordinary = { disallowedSpecial: new Set<string>() };

/**
 * The token streams of a folder of `.jsonl.zst` files as a plain loop makes them: one file, line and document after
 * another on one thread, and GPT-2's tokens by gpt-tokenizer. What `prepareDataset` does must come to the same.
 */
export function plainStreams(dir: string, valFraction: number): StreamHashes {
  const hashes = Array.from({ length: buckets + 1 }, () => createHash('sha256'));
  for (const name of fs.readdirSync(dir).sort()) {
    const content = zlib.zstdDecompressSync(fs.readFileSync(path.join(dir, name))).toString('utf8');
    for (const line of content.split('\n')) {
      if (line === '') continue;
      const { text } = JSON.parse(line) as { text: string };
      if (text === '') continue;
      const sha256 = createHash('sha256').update(text).digest('hex');
      const isVal = hashOf(Number.parseInt(sha256.slice(0, 12), 16)) / 2 ** 32 < valFraction;
      update(hashes[isVal ? buckets : bucketOf(sha256)]!, [...encode(text, ordinary), endOfText]);
    }
  }
  return hashes.map((h) => h.digest('hex'));
}

/** The same of a dataset that is prepared. */
export function streamsOf(dataset: Dataset): StreamHashes {
  const train = Array.from({ length: buckets }, (_, b) => dataset.trainSubset({ from: b, to: b + 1 }));
  return [...train, dataset.split('val')].map((source) => {
    const hash = createHash('sha256');
    const max = 1 << 20;
    for (let at = 0; at < source.tokens; at += max) update(hash, source.window(at, Math.min(max, source.tokens - at)));
    return hash.digest('hex');
  });
}

function update(hash: Hash, tokens: ArrayLike<number>): void {
  const values = Uint16Array.from(tokens);
  hash.update(new Uint8Array(values.buffer));
}
