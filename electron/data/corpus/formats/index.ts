import path from 'node:path';
import type { Compression, CorpusFile, DocumentFormat, Format } from './format.ts';
import { jsonLines } from './jsonLines.ts';
import { parquet } from './parquet.ts';
import { text } from './text.ts';

export type { CorpusFile, DocumentFormat, Format, JobOptions, ParseJob } from './format.ts';

/** Formats of many documents a file. A new one is a file here, and its name in this list. */
const documentFormats: readonly DocumentFormat[] = [jsonLines, parquet];

const formats: readonly Format[] = [...documentFormats, text];
const byName = new Map(formats.map((f) => [f.name, f]));
const byEnding = new Map(formats.flatMap((f) => f.endings.map((ending) => [ending, f] as const)));
const compressions: Readonly<Record<string, Compression>> = { '.gz': 'gzip', '.zst': 'zstd' };

export const formatOf = (name: string): Format => byName.get(name)!;

/** A format that is not plain text. */
export const documentFormatOf = (name: string): DocumentFormat => documentFormats.find((f) => f.name === name)!;

/**
 * What a file is.
 * @param named whether the user named it, rather than a folder that it lies in
 * @returns undefined for what is not to be taken from a folder
 */
export function identify(file: string, named: boolean): CorpusFile | undefined {
  const lower = file.toLowerCase();
  const outer = path.extname(lower);
  const compression = compressions[outer] ?? 'none';
  const inner = compression === 'none' ? outer : path.extname(lower.slice(0, -outer.length));
  const format = byEnding.get(inner);
  // What is named is taken, whatever its ending: as text, where that says nothing. Parquet is compressed inside.
  if (!format || (format === parquet && compression !== 'none'))
    return named ? { path: file, format: text.name, compression: 'none' } : undefined;
  return { path: file, format: format.name, compression };
}
