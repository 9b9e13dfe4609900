import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { whyOf } from '../../base/systemErrors.ts';
import { readManifest, shardBytes } from './index.ts';

/**
 * Reads all of a dataset and checks it against its checksums.
 * @returns how many files it has, and what is wrong with them
 * @throws UserError when its description can't be read; the signal's reason when that ended it
 */
export async function verifyDataset(
  dir: string,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (doneBytes: number, totalBytes: number) => void } = {},
): Promise<{ readonly files: number; readonly problems: string[] }> {
  const manifest = readManifest(dir);
  const { shards } = manifest;
  const all = [...shards.train, ...shards.val];
  const problems: string[] = [];
  const total = shardBytes(manifest);
  let done = 0;
  for (const { file, sha256 } of all) {
    const hash = createHash('sha256');
    try {
      for await (const chunk of fs.createReadStream(path.join(dir, file), { highWaterMark: 1 << 20 })) {
        signal?.throwIfAborted();
        hash.update(chunk as Buffer);
        done += (chunk as Buffer).length;
        onProgress?.(Math.min(done, total), total);
      }
    } catch (error) {
      signal?.throwIfAborted();
      problems.push(`${file} can't be read (${whyOf(error)})`);
      continue;
    }
    if (hash.digest('hex') !== sha256) problems.push(`${file} was modified`);
  }
  return { files: all.length, problems };
}
