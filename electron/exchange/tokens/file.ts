import fs from 'node:fs';
import { UserError } from '../../errors.ts';
import { isSystemError, meaningOf } from '../safetensors/systemErrors.ts';
import {
  bytesOfType,
  headerBytes,
  type Layout,
  layoutOf,
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
  /** @yields all tokens in order, in blocks @throws UserError when a token is not below the vocabulary's size */
  read(vocabSize: number): Generator<Uint16Array>;
}

/**
 * @param type how its tokens are stored, where it has no header and that is known
 * @throws UserError when the file can't be read, is cut off, or holds something else
 */
export function openTokenFile(file: string, type?: TokenType): TokenFile {
  const layout = layoutOf(file, type);
  return { ...layout, read: (vocabSize) => blocks(file, layout, vocabSize) };
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

function* blocks(file: string, { offset, tokens, type }: Layout, vocabSize: number): Generator<Uint16Array> {
  const width = bytesOfType[type];
  for (let at = 0; at < tokens; at += blockTokens) {
    const n = Math.min(blockTokens, tokens - at);
    const bytes = readAt(file, offset + width * at, width * n);
    const block = new Uint16Array(n);
    for (let i = 0; i < n; i++) {
      const token = valueAt(bytes, i, type);
      if (token < 0 || token >= vocabSize) {
        const hint = belongsElsewhere(bytes, vocabSize, type);
        throw refuse(file, `token ${at + i} is ${token}, and the vocabulary has ${vocabSize}${hint}`);
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

/** The most that an int32 counts: what llm.c's header can say. */
const mostLlmcTokens = 2 ** 31 - 1;

/**
 * Writes tokens to a new file; one that is left unfinished is removed.
 * @throws UserError when the file exists, the format can't hold so many, or the disk does not take it
 */
export function writeTokenFile(
  file: string,
  format: TokenFormat,
  tokens: number,
  content: Iterable<Uint16Array>,
): void {
  if (format === 'llmc' && tokens > mostLlmcTokens)
    throw new UserError(
      `llm.c's format counts up to ${mostLlmcTokens} tokens, and there are ${tokens}: write nanogpt, or several files.`,
    );
  let fd: number | undefined;
  try {
    fd = fs.openSync(file, 'wx');
    if (format === 'llmc') {
      const header = Buffer.alloc(headerBytes);
      [llmcMagic, 1, tokens].forEach((value, i) => header.writeInt32LE(value, 4 * i));
      fs.writeSync(fd, header);
    }
    for (const block of content) {
      const bytes = Buffer.alloc(2 * block.length);
      for (let i = 0; i < block.length; i++) bytes.writeUInt16LE(block[i]!, 2 * i);
      for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done);
    }
    fs.fsyncSync(fd);
  } catch (error) {
    if (fd !== undefined) fs.rmSync(file, { force: true });
    if (!isSystemError(error)) throw error;
    if (error.code === 'EEXIST') throw new UserError(`${file} is there already: name a new file.`);
    throw new UserError(`${file} can't be written: ${meaningOf(error)}.`);
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}
