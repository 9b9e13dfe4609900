import fs from 'node:fs';
import path from 'node:path';
import { messageOf, UserError } from '../../errors.ts';
import { type Compression as Archive, decompressed } from './decompress.ts';

export type FileKind = 'lines' | 'rows' | 'text';
export type Compression = 'none' | Archive;

/** A file of documents: one a line, as JSON; one a row, in Parquet; or the whole of it. */
export interface CorpusFile {
  readonly path: string;
  readonly kind: FileKind;
  readonly compression: Compression;
}

const kinds: Readonly<Record<string, FileKind>> = {
  '.jsonl': 'lines',
  '.ndjson': 'lines',
  '.parquet': 'rows',
  '.txt': 'text',
  '.md': 'text',
};
const compressions: Readonly<Record<string, Compression>> = { '.gz': 'gzip', '.zst': 'zstd' };

/** What a file is by its name; undefined for what is no text. */
export function kindOf(file: string): CorpusFile | undefined {
  const lower = file.toLowerCase();
  const outer = path.extname(lower);
  const compression = compressions[outer] ?? 'none';
  const inner = compression === 'none' ? outer : path.extname(lower.slice(0, -outer.length));
  const kind = kinds[inner];
  // Parquet is compressed inside.
  if (kind === 'rows' && compression !== 'none') return undefined;
  return kind ? { path: file, kind, compression } : undefined;
}

const isFile = (file: string): boolean => fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

function expand(input: string): CorpusFile[] {
  const stat = fs.statSync(input, { throwIfNoEntry: false });
  // What is named is taken, whatever its ending: as text, where that says nothing.
  if (stat?.isFile()) return [kindOf(input) ?? { path: input, kind: 'text', compression: 'none' }];
  if (stat?.isDirectory()) {
    const found = fs.readdirSync(input, { recursive: true, encoding: 'utf8' }).map((f) => path.join(input, f));
    const files = found
      .filter(isFile)
      .sort()
      .flatMap((f) => kindOf(f) ?? []);
    if (files.length === 0)
      throw new UserError(
        `The folder ${input} holds no .jsonl, .parquet, .txt or .md files (also .gz and .zst): name the files themselves.`,
      );
    return files;
  }
  if (/[*?[{]/.test(input)) {
    const found = fs.globSync(input).filter(isFile).sort();
    if (found.length === 0) throw new UserError(`No file matches ${input}: check the pattern.`);
    return found.map((f) => kindOf(f) ?? { path: f, kind: 'text', compression: 'none' });
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
