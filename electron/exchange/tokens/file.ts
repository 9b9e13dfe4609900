import fs from 'node:fs';
import { UserError } from '../../base/errors.ts';
import {
  littleEndian,
  maxVocabSize,
  type TokenBytes,
  tokenBytesOf,
  type Tokens,
  zeroTokens,
} from '../../base/tokens.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import {
  bytesOfType,
  headerBytes,
  type Layout,
  layoutOf,
  llamaMagic,
  llamaVersion,
  llmcMagic,
  readAt,
  refuse,
  type TokenFormat,
  type TokenType,
} from './layout.ts';

export { llmcMagic, type TokenFormat, tokenFormats, type TokenType, tokenTypes } from './layout.ts';

/** Tokens read or written at a time. */
export const blockTokens = 1 << 20;

/** An open file of tokens. */
export interface TokenFile extends Layout {
  /**
   * @param from the token to begin with. Default: the first
   * @yields all tokens from there on in order, in blocks, in the width of the vocabulary
   * @throws UserError when a token is not below the vocabulary's size
   */
  read(vocabSize: number, from?: number): Generator<Tokens>;
}

/**
 * @param type how its tokens are stored, where it has no header and that is known
 * @throws UserError when the file can't be read, is cut off, or holds something else
 */
export function openTokenFile(file: string, type?: TokenType): TokenFile {
  const layout = layoutOf(file, type);
  return { ...layout, read: (vocabSize, from = 0) => blocks(file, layout, vocabSize, from) };
}

/** The number at a place of a block, as it is stored. */
function valueAt(bytes: Buffer, i: number, type: TokenType): number {
  switch (type) {
    case 'uint8':
      return bytes[i]!;
    case 'uint16':
      return bytes.readUInt16LE(2 * i);
    case 'uint32':
      return bytes.readUInt32LE(4 * i);
    case 'int32':
      return bytes.readInt32LE(4 * i);
    case 'int64':
      return Number(bytes.readBigInt64LE(8 * i));
  }
}

function* blocks(file: string, { offset, tokens, type }: Layout, vocabSize: number, from: number): Generator<Tokens> {
  const width = bytesOfType[type];
  for (let at = from; at < tokens; at += blockTokens) {
    const n = Math.min(blockTokens, tokens - at);
    const bytes = readAt(file, offset + width * at, width * n);
    const block = zeroTokens(tokenBytesOf(vocabSize), n);
    for (let i = 0; i < n; i++) {
      const token = valueAt(bytes, i, type);
      if (token < 0 || token >= vocabSize) {
        const hint = belongsElsewhere(bytes, vocabSize, type);
        const room = vocabSize === maxVocabSize ? 'no vocabulary has so many' : `the vocabulary has ${vocabSize}`;
        throw refuse(file, `token ${at + i} is ${token}, and ${room}${hint}`);
      }
      block[i] = token;
    }
    yield block;
  }
}

/** What tokens may be that are not of a vocabulary. */
function belongsElsewhere(bytes: Buffer, vocabSize: number, type: TokenType): string {
  if (type !== 'uint16' || bytes.length < 128) return '';
  const swapped = Buffer.from(bytes).swap16();
  for (let i = 0; i < swapped.length; i += 2) if (swapped.readUInt16LE(i) >= vocabSize) return '';
  return '; with its bytes swapped all are, so it looks big-endian: write it with numpy.array.byteswap()';
}

/** What llm.c's header begins with, by the bytes of a token: GPT-2's and Llama 3's. */
const llmcHeads: Readonly<Record<TokenBytes, readonly [magic: number, version: number]>> = {
  2: [llmcMagic, 1],
  4: [llamaMagic, llamaVersion],
};

/** The most that an int32 counts: what llm.c's header can say. */
const maxLlmcTokens = 2 ** 31 - 1;

export interface WriteTokensOptions {
  /** Of each: 4 makes uint32 of nanoGPT's, and Llama 3's header of llm.c's. Default: 2. */
  readonly tokenBytes?: TokenBytes;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly doneTokens: number; readonly totalTokens: number }) => void;
}

/** Has its name only when it is whole: a process that is killed leaves nothing that would be taken for it. */
const unfinished = (file: string): string => `${file}.part`;

/**
 * Writes tokens to a new file; one that is left unfinished is removed.
 * @throws UserError when the file exists, the format can't hold so many, or the disk does not take it; the signal's reason
 */
export async function writeTokenFile(
  file: string,
  format: TokenFormat,
  tokens: number,
  content: Iterable<Tokens>,
  { tokenBytes = 2, signal, onProgress }: WriteTokensOptions = {},
): Promise<void> {
  if (format === 'llmc' && tokens > maxLlmcTokens)
    throw new UserError(
      `llm.c's format counts up to ${maxLlmcTokens} tokens, and there are ${tokens}: write nanogpt, or several files.`,
    );
  const part = unfinished(file);
  let handle: fs.promises.FileHandle | undefined;
  try {
    requireNew(file);
    handle = await fs.promises.open(part, 'w');
    if (format === 'llmc') {
      const header = Buffer.alloc(headerBytes);
      [...llmcHeads[tokenBytes], tokens].forEach((value, i) => header.writeInt32LE(value, 4 * i));
      await writeAll(handle, header);
    }
    let doneTokens = 0;
    for (const block of content) {
      signal?.throwIfAborted();
      await writeAll(handle, littleEndian(block));
      doneTokens += block.length;
      onProgress?.({ doneTokens, totalTokens: tokens });
    }
    await handle.sync();
    signal?.throwIfAborted();
    requireNew(file);
    await fs.promises.rename(part, file);
  } catch (error) {
    if (handle) fs.rmSync(part, { force: true });
    if (!isSystemError(error)) throw error;
    throw new UserError(`${file} can't be written: ${meaningOf(error)}.`);
  } finally {
    await handle?.close();
  }
}

function requireNew(file: string): void {
  if (fs.existsSync(file)) throw new UserError(`${file} is there already: name a new file.`);
}

/** The system may take less at a time. */
async function writeAll(handle: fs.promises.FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done)).bytesWritten;
}
