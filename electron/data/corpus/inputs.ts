import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { UserError } from '../../errors.ts';
import { isSystemError, meaningOf } from '../../exchange/safetensors/systemErrors.ts';
import type { Selection } from './documents.ts';
import { corpusFiles } from './files.ts';
import type { CorpusFile } from './formats/index.ts';

/** A file of documents, and what tells whether it is still the same. */
export interface Input extends CorpusFile {
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly edge: string;
}

/** Of a file's begin and end, to know it again without reading it. */
const edgeBytes = 1 << 16;

/** What tells a file from one of the same name and size: its begin and its end. */
function edgeHash(file: string, size: number): string {
  const fd = fs.openSync(file, 'r');
  try {
    const hash = createHash('sha256');
    for (const at of [0, Math.max(0, size - edgeBytes)]) {
      const bytes = Buffer.alloc(Math.min(edgeBytes, size));
      fs.readSync(fd, bytes, 0, bytes.length, at);
      hash.update(bytes);
    }
    return hash.digest('hex');
  } finally {
    fs.closeSync(fd);
  }
}

function inspect(file: CorpusFile): Input {
  try {
    const { size, mtimeMs } = fs.statSync(file.path);
    return { ...file, bytes: size, modifiedMs: mtimeMs, edge: edgeHash(file.path, size) };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`The file ${file.path} can't be read: ${meaningOf(error)}.`);
  }
}

/** Files of documents, each content once. */
export interface Inputs {
  readonly inputs: readonly Input[];
  /** Files that are left out, for each is another one's content. */
  readonly copies: readonly { readonly path: string; readonly of: string }[];
}

/**
 * The files that paths, folders and globs name. Of copies the first is taken: nobody means to train on them twice.
 * @throws UserError when one is missing or can't be read
 */
export async function inspectInputs(paths: readonly string[]): Promise<Inputs> {
  const files = corpusFiles(paths).map(inspect);
  // Only of those that look the same all of it is read.
  const alike = new Map<string, number>();
  const looks = ({ bytes, edge, format }: Input): string => `${bytes} ${edge} ${format}`;
  for (const file of files) alike.set(looks(file), (alike.get(looks(file)) ?? 0) + 1);
  const first = new Map<string, string>();
  const inputs: Input[] = [];
  const copies: { path: string; of: string }[] = [];
  for (const file of files) {
    const whole = alike.get(looks(file)) === 1 ? '' : await sha256Of(file.path);
    const of = whole === '' ? undefined : first.get(whole);
    if (of !== undefined) copies.push({ path: file.path, of });
    else {
      if (whole !== '') first.set(whole, file.path);
      inputs.push(file);
    }
  }
  return { inputs, copies };
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of fs.createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export const bytesOf = (inputs: readonly Input[]): number => inputs.reduce((n, i) => n + i.bytes, 0);

/** Whether a file is still what it was when it was looked at. */
export function isUnchanged(input: Input): boolean {
  const { size, mtimeMs } = fs.statSync(input.path);
  return size === input.bytes && mtimeMs === input.modifiedMs;
}

/** Validation needs some text to mean something, and no more. */
export const usualValFraction = (inputs: readonly Input[]): number => (bytesOf(inputs) < 100e6 ? 0.1 : 0.005);

/** The first file's name, and a hash of all that decides what is in the dataset. */
export function nameOf(inputs: readonly Input[], selection: Selection): string {
  const made = JSON.stringify(['corpus', inputs.map((i) => [path.basename(i.path), i.bytes, i.edge]), selection]);
  const stem =
    path
      .basename(inputs[0]!.path)
      .split('.')[0]!
      .replace(/[^\w-]+/g, '-')
      .slice(0, 40) || 'corpus';
  return `${stem}-${selection.tokenizer}-${createHash('sha256').update(made).digest('hex').slice(0, 8)}`;
}
