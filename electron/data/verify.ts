import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { messageOf } from '../errors.ts';
import { readManifest } from './shards/index.ts';

/**
 * Reads all of a dataset and checks it against its checksums.
 * @returns how many files it has, and what is wrong with them
 * @throws UserError when its description can't be read
 */
export async function verifyDataset(dir: string): Promise<{ readonly files: number; readonly problems: string[] }> {
  const { shards } = readManifest(dir);
  const all = [...shards.train, ...shards.val];
  const problems: string[] = [];
  for (const { file, sha256 } of all) {
    const hash = createHash('sha256');
    try {
      for await (const chunk of fs.createReadStream(path.join(dir, file))) hash.update(chunk as Buffer);
    } catch (error) {
      problems.push(`${file} can't be read (${messageOf(error)})`);
      continue;
    }
    if (hash.digest('hex') !== sha256) problems.push(`${file} was altered`);
  }
  return { files: all.length, problems };
}
