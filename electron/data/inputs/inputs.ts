import { plural } from '../../base/format.ts';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate as breath } from 'node:timers/promises';
import { UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { rawContent } from '../archives/content.ts';
import type { Selection } from '../prepare/documents.ts';
import { type Fault, faultOf } from '../formats/fileError.ts';
import type { CorpusFile } from '../formats/index.ts';
import { automaticName, fileStem, keyOf, stemOf } from '../dataset/names.ts';
import { type FindOptions, findFiles, type NotTaken } from './walk.ts';

/** A file of documents, and what tells whether it is still the same. */
export interface Input extends CorpusFile {
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly edge: string;
  /** Of all of it; of plain text alone. */
  readonly sha256?: string;
}

/** A file that is left out, and why. */
export interface SkippedFile {
  readonly path: string;
  readonly reason: string;
}

/** Of a file's begin and end, to know it again without reading it. */
const edgeBytes = 1 << 16;
/** Files are looked at without a pause until so many are. */
const filesAtOnce = 64;

/** What tells a file from one of the same name and size: its begin and its end. Small ones are read but once. */
function fingerprint(file: string, size: number, wholeToo: boolean): { edge: string; sha256?: string } {
  const fd = fs.openSync(file, 'r');
  try {
    const read = (at: number, n: number): Buffer => {
      const bytes = Buffer.alloc(n);
      let done = 0;
      while (done < n) {
        const more = fs.readSync(fd, bytes, done, n - done, at + done);
        if (more === 0) break;
        done += more;
      }
      return bytes;
    };
    const first = read(0, Math.min(edgeBytes, size));
    const last = size <= edgeBytes ? first : read(size - edgeBytes, edgeBytes);
    const edge = createHash('sha256').update(first).update(last).digest('hex');
    if (!wholeToo || size > edgeBytes) return { edge };
    return { edge, sha256: createHash('sha256').update(first).digest('hex') };
  } finally {
    fs.closeSync(fd);
  }
}

async function inspect(file: CorpusFile, signal: AbortSignal | undefined): Promise<Input> {
  const { size, mtimeMs } = fs.statSync(file.path);
  const { edge, sha256 } = fingerprint(file.path, size, isPlain(file));
  const whole = isPlain(file) ? (sha256 ?? (await sha256Of(file.path, signal))) : undefined;
  return { ...file, bytes: size, modifiedMs: mtimeMs, edge, ...(whole === undefined ? {} : { sha256: whole }) };
}

/** Whether a file is text as it is. Such files are known by all that is in them: people edit them. */
export const isPlain = ({ format, compression }: CorpusFile): boolean => format === 'text' && compression === 'none';

/** Files of documents, each content once. */
export interface Inputs {
  readonly inputs: readonly Input[];
  /** Files that are left out, for each is another one's content. */
  readonly copies: readonly { readonly path: string; readonly of: string }[];
  /** Files that can't be read, where they are passed over. */
  readonly skipped: readonly SkippedFile[];
  readonly notTaken: NotTaken;
}

/**
 * The files that paths, folders and globs name. Of copies the first is taken: nobody means to train on them twice.
 * @throws UserError when one is missing or can't be read
 */
export async function inspectInputs(paths: readonly string[], options: FindOptions = {}): Promise<Inputs> {
  const { signal, skipBadFiles = false } = options;
  const { files: found, refused, notTaken } = await findFiles(paths, options);
  const files: Input[] = [];
  const skipped: SkippedFile[] = [];
  const skip = (file: string, fault: Fault): void => {
    if (!skipBadFiles) throw unreadable(file, fault);
    skipped.push({ path: file, reason: fault.reason });
  };
  for (const { path: file, error } of refused) skip(file, faultOf(error)!);
  const empty: string[] = [];
  for (const [i, file] of found.entries()) {
    if (i % filesAtOnce === 0) await breath();
    signal?.throwIfAborted();
    try {
      const input = await inspect(file, signal);
      if (input.bytes === 0) empty.push(input.path);
      else files.push(input);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      skip(file.path, { reason: meaningOf(error) });
    }
  }
  if (files.length === 0 && empty.length > 0) throw allEmpty(empty);
  return { ...(await withoutCopies(files, signal)), skipped, notTaken: withEmpty(notTaken, empty) };
}

export const allEmpty = (empty: readonly string[]): UserError =>
  new UserError(
    empty.length === 1
      ? `The file ${empty[0]} is empty: there is nothing to train on.`
      : `All ${plural(empty.length, 'file')} are empty, such as ${empty[0]}: there is nothing to train on.`,
  );

function withEmpty(notTaken: NotTaken, empty: readonly string[]): NotTaken {
  if (empty.length === 0) return notTaken;
  const examples = empty.slice(0, 5).map((file) => ({ path: file, reason: 'it is empty' }));
  return {
    files: notTaken.files + empty.length,
    endings: { ...notTaken.endings, empty: empty.length },
    examples: [...notTaken.examples, ...examples],
  };
}

/** A file stops the work: what to do about it. */
export function unreadable(file: string, { reason, advice = 'fix it or leave it out' }: Fault): UserError {
  const todo = `${advice[0]!.toUpperCase()}${advice.slice(1)}`;
  return new UserError(`The file ${file} can't be read: ${reason}. ${todo}, or skip it with --skip-bad-files.`);
}

async function withoutCopies(
  files: readonly Input[],
  signal: AbortSignal | undefined,
): Promise<Pick<Inputs, 'inputs' | 'copies'>> {
  // Only of those that look the same all of it is read.
  const alike = new Map<string, number>();
  const looks = ({ bytes, edge, format }: Input): string => `${bytes} ${edge} ${format}`;
  for (const file of files) alike.set(looks(file), (alike.get(looks(file)) ?? 0) + 1);
  const first = new Map<string, string>();
  const inputs: Input[] = [];
  const copies: { path: string; of: string }[] = [];
  for (const file of files) {
    const whole = alike.get(looks(file)) === 1 ? '' : (file.sha256 ?? (await sha256Of(file.path, signal)));
    const of = whole === '' ? undefined : first.get(whole);
    if (of !== undefined) copies.push({ path: file.path, of });
    else {
      if (whole !== '') first.set(whole, file.path);
      inputs.push(file);
    }
  }
  return { inputs, copies };
}

export async function sha256Of(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of rawContent(file, () => {})) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest('hex');
}

export const bytesOf = (inputs: readonly Input[]): number => inputs.reduce((n, i) => n + i.bytes, 0);

/** Whether a file is still what it was when it was looked at. */
export function isUnchanged(input: Input): boolean {
  const { size, mtimeMs } = fs.statSync(input.path);
  return size === input.bytes && mtimeMs === input.modifiedMs;
}

/** Validation needs some text to mean something, and no more. */
export const defaultValFraction = (inputs: readonly Input[]): number => (bytesOf(inputs) < 100e6 ? 0.1 : 0.005);

/** What is chosen beside documents' contents. */
export interface Naming extends Selection {
  readonly splitOn?: string | undefined;
}

/** A name that files and choices give, and the key of all that decides what is in the dataset. */
export function nameOf(inputs: readonly Input[], { splitOn, ...selection }: Naming): { name: string; key: string } {
  const { tokenizer, valFraction, subset } = selection;
  const first = inputs[0]!.path;
  const split = splitOn === undefined ? [] : [{ splitOn }];
  if (inputs.every((i) => i.sha256 !== undefined)) {
    const chosen = subset.from > 0 || subset.to < 100 ? [subset] : [];
    const key = keyOf(['buckets', inputs.map((i) => i.sha256), tokenizer, valFraction, ...chosen, ...split]);
    return { name: automaticName(stemOf(fileStem(first, 'last'), 'text'), tokenizer, key), key };
  }
  const key = keyOf(['corpus', inputs.map((i) => [path.basename(i.path), i.bytes, i.edge]), selection, ...split]);
  return { name: automaticName(stemOf(fileStem(first, 'all'), 'corpus'), tokenizer, key), key };
}
