import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { tempDir } from '../temp.ts';
import { jsonLines, runHere } from './run.ts';

/** A document, as a line of JSON. */
export const line = (i: number): string =>
  JSON.stringify({ text: `Page ${i}. ${'It was a bright cold day in April. '.repeat(i % 30)}` });

/** A folder of compressed text, and a command line for homes beside it. */
export function corpora(files = 6, documents = 3000) {
  const dir = tempDir();
  const folder = path.join(dir, 'chunk1');
  fs.mkdirSync(folder);
  for (let f = 0; f < files; f++) {
    const lines = Array.from({ length: documents }, (_, i) => line(f * documents + i)).join('\n');
    fs.writeFileSync(path.join(folder, `example_train_${f}.jsonl.zst`), zlib.zstdCompressSync(lines));
  }
  return { dir, folder, cli: (home: string, ...args: string[]) => runHere(['--home', path.join(dir, home), ...args]) };
}
/** What the only dataset of a home is. */
export const manifestOf = async (cli: ReturnType<typeof corpora>['cli'], home: string) => {
  const [manifest] = jsonLines((await cli(home, 'data', 'list', '--json')).stdout);
  return manifest as { name: string; shards: unknown; trainTokens: number; createdAt: string };
};
