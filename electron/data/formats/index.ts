import { arrow } from './arrow.ts';
import { csv } from './csv.ts';
import type { DocumentFormat, Format } from './format.ts';
import { jsonLines } from './jsonLines.ts';
import { jsonValues } from './jsonValues.ts';
import { parquet } from './parquet.ts';
import { text } from './text.ts';

export type { CorpusFile, DocumentFormat, Format, JobOptions, ParseJob } from './format.ts';

/** Formats of many documents a file. A new one is a file here, and its name in this list. */
const documentFormats: readonly DocumentFormat[] = [jsonLines, jsonValues, csv, parquet, arrow];

export const formats: readonly Format[] = [...documentFormats, text];
const byName = new Map(formats.map((f) => [f.name, f]));
export const formatOf = (name: string): Format => byName.get(name)!;

/** A format that is not plain text. */
export const documentFormatOf = (name: string): DocumentFormat => documentFormats.find((f) => f.name === name)!;
