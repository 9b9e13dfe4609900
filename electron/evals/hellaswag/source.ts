import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readTextFile } from '../../base/textFile.ts';
import { messageOf, UserError } from '../../base/errors.ts';
import { parseItems } from './items.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';

/** A file that is fetched once. */
export interface Source {
  readonly url: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** The validation set, 10,042 items, as its authors publish it. */
export const validationSet: Source = {
  url: 'https://raw.githubusercontent.com/rowanz/hellaswag/master/data/hellaswag_val.jsonl',
  sha256: '0aa3b88843990f3f10a97b9575c94d7b71fb2205240ba04ae4884d9e9c992588',
  bytes: 12_246_618,
};

export const validationItems = 10_042;

export interface FetchOptions {
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
  /** A server that says nothing for so long is given up. */
  readonly stallMs?: number;
}

export const cachedFile = (home: string): string => path.join(home, 'evals', 'hellaswag_val.jsonl');

/**
 * The validation set's file in the home, fetched if it is not there. What arrives is kept only when its checksum is right.
 * @throws UserError when it can't be had, with what to do then
 */
export async function validationFile(
  home: string,
  options: FetchOptions = {},
  source: Source = validationSet,
): Promise<string> {
  const file = cachedFile(home);
  if (fs.existsSync(file)) return file;
  const partial = `${file}.${randomBytes(6).toString('hex')}.partial`;
  try {
    await fs.promises.mkdir(path.dirname(file), { recursive: true });
    await download(source, partial, options);
    await fs.promises.rename(partial, file);
    return file;
  } catch (error) {
    await fs.promises.rm(partial, { force: true });
    if (options.signal?.aborted) throw error;
    throw new UserError(
      `HellaSwag's validation set can't be fetched from ${source.url}: ${reasonOf(error)}; try again, or fetch it elsewhere and hand the file over with \`trainyard eval fetch --data FILE\`.`,
    );
  }
}

/**
 * Puts a file of items that was fetched elsewhere in its place in the home.
 * @throws UserError when it can't be read, or is no HellaSwag file
 */
export async function adoptFile(home: string, from: string): Promise<string> {
  const file = cachedFile(home);
  try {
    parseItems(readTextFile(from), from);
    await fs.promises.mkdir(path.dirname(file), { recursive: true });
    await fs.promises.copyFile(from, file);
    return file;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`${from} can't be taken for HellaSwag's validation set: ${meaningOf(error)}.`);
  }
}

async function download(source: Source, file: string, options: FetchOptions): Promise<void> {
  const { onProgress, signal, stallMs = 30_000 } = options;
  const stalled = new AbortController();
  const giveUp = (): void => stalled.abort(new Error(`the server sent nothing for ${stallMs / 1000} s`));
  let timer = setTimeout(giveUp, stallMs);
  const both = AbortSignal.any(signal ? [signal, stalled.signal] : [stalled.signal]);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const response = await fetch(source.url, { signal: both });
    if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);
    const checked = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        clearTimeout(timer);
        timer = setTimeout(giveUp, stallMs);
        bytes += chunk.length;
        hash.update(chunk);
        onProgress?.(bytes, source.bytes);
        done(bytes > source.bytes ? new Error('it is longer than it should be') : null, chunk);
      },
    });
    await pipeline(response.body, checked, fs.createWriteStream(file), { signal: both });
  } catch (error) {
    throw stalled.signal.aborted ? (stalled.signal.reason as Error) : error;
  } finally {
    clearTimeout(timer);
  }
  if (bytes !== source.bytes) throw new Error(`${bytes} of ${source.bytes} bytes arrived`);
  if (hash.digest('hex') !== source.sha256) throw new Error('its checksum is wrong');
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (isSystemError(cause) && cause.code === 'ENOSPC') return meaningOf(cause);
  const code = (cause as { code?: unknown }).code;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its server is not found (is there a network?)';
  if (code === 'ECONNREFUSED') return 'its server refuses the connection';
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET') return 'the connection was cut off';
  return messageOf(cause);
}
