import fs from 'node:fs';
import path from 'node:path';
import { messageOf, UserError } from '../../errors.ts';
import { decompressed } from './formats/decompress.ts';
import { type CorpusFile, identify } from './formats/index.ts';

const isFile = (file: string): boolean => fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

function expand(input: string): CorpusFile[] {
  const stat = fs.statSync(input, { throwIfNoEntry: false });
  if (stat?.isFile()) return [identify(input, true)!];
  if (stat?.isDirectory()) {
    const found = fs.readdirSync(input, { recursive: true, encoding: 'utf8' }).map((f) => path.join(input, f));
    const files = found
      .filter(isFile)
      .sort()
      .flatMap((f) => identify(f, false) ?? []);
    if (files.length === 0)
      throw new UserError(
        `The folder ${input} holds no .jsonl, .parquet, .txt or .md files (also .gz and .zst): name the files themselves.`,
      );
    return files;
  }
  if (/[*?[{]/.test(input)) {
    const found = fs.globSync(input).filter(isFile).sort();
    if (found.length === 0) throw new UserError(`No file matches ${input}: check the pattern.`);
    return found.map((f) => identify(f, true)!);
  }
  throw new UserError(`There is no file or folder ${input}: check the path.`);
}

/**
 * The files of documents that paths, folders and globs name, in a fixed order, each once.
 * @throws UserError when a path is missing, can't be read, or names no text
 */
export function corpusFiles(inputs: readonly string[]): CorpusFile[] {
  const files = inputs.flatMap((input) => {
    try {
      return expand(input);
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`The path ${input} can't be read: ${messageOf(error)}.`);
    }
  });
  return [...new Map(files.map((f) => [path.resolve(f.path), { ...f, path: path.resolve(f.path) }])).values()];
}

const readBytes = 1 << 20;

/**
 * A file's content, decompressed.
 * @param onRaw told of what is read from the disk
 * @throws ArchiveError behind what is good of a damaged archive
 */
export function content(
  { path: file, compression }: CorpusFile,
  onRaw: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  const raw = rawContent(file, onRaw);
  return compression === 'none' ? raw : decompressed(raw, compression);
}

async function* rawContent(file: string, onRaw: (bytes: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  const chunks = fs.createReadStream(file, { highWaterMark: readBytes }) as AsyncIterable<Uint8Array>;
  for await (const chunk of chunks) {
    onRaw(chunk);
    yield chunk;
  }
}
