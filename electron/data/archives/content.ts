import fs from 'node:fs';
import { decompressed } from './decompress.ts';
import type { CorpusFile } from '../formats/index.ts';

const readBytes = 1 << 20;

/**
 * A file's content, decompressed.
 * @param onRaw told of what is read from the disk
 * @throws FileError behind what is good of a damaged archive
 */
export function content(
  { path: file, compression }: CorpusFile,
  onRaw: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  const raw = rawContent(file, onRaw);
  return compression === 'none' ? raw : decompressed(raw, compression);
}

/**
 * A file's bytes as they are on the disk. Files of the kernel (/proc) say that they are empty, and reading some of them never
 * ends: they are taken at their word.
 * @param onRaw told of what is read
 */
export async function* rawContent(file: string, onRaw: (bytes: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  if ((await fs.promises.stat(file)).size === 0) return;
  const chunks = fs.createReadStream(file, { highWaterMark: readBytes }) as AsyncIterable<Uint8Array>;
  for await (const chunk of chunks) {
    onRaw(chunk);
    yield chunk;
  }
}
