import fs from 'node:fs';
import { UserError } from '../../errors.ts';
import { isSystemError, meaningOf } from '../safetensors/systemErrors.ts';

/** `nanogpt`: uint16 tokens and nothing else. `llmc`: the same behind a header of 256 int32: magic, version 1, count. */
export const tokenFormats = ['nanogpt', 'llmc'] as const;
export type TokenFormat = (typeof tokenFormats)[number];

export const llmcMagic = 20240520;
const headerBytes = 256 * 4;
/** Tokens read or written at a time. */
export const blockTokens = 1 << 20;

/** An open file of tokens, little-endian. */
export interface TokenFile {
  readonly format: TokenFormat;
  readonly tokens: number;
  /** @yields all tokens in order, in blocks @throws UserError when a token is not below the vocabulary's size */
  read(vocabSize: number): Generator<Uint16Array>;
}

const refuse = (file: string, problem: string): UserError =>
  new UserError(`${file} is no usable file of tokens: ${problem}.`);

/** @throws UserError when the file can't be read, or is cut off */
export function openTokenFile(file: string): TokenFile {
  try {
    const stat = fs.statSync(file);
    if (!stat.isFile()) throw refuse(file, 'it is no file');
    const head = readAt(file, 0, Math.min(headerBytes, stat.size));
    const isLlmc = head.length === headerBytes && head.readInt32LE(0) === llmcMagic;
    if (!isLlmc) {
      if (stat.size % 2 !== 0)
        throw refuse(file, `it has an odd number of bytes (${stat.size}), and a token takes two`);
      if (stat.size === 0) throw refuse(file, 'it is empty');
      return {
        format: 'nanogpt',
        tokens: stat.size / 2,
        read: (vocabSize) => blocks(file, 0, stat.size / 2, vocabSize),
      };
    }
    const [version, tokens] = [head.readInt32LE(4), head.readInt32LE(8)];
    if (version !== 1) throw refuse(file, `its header has version ${version}, and 1 (tokens of GPT-2) can be read`);
    if (tokens < 1 || stat.size !== headerBytes + 2 * tokens)
      throw refuse(file, `its header announces ${tokens} tokens and it has room for ${(stat.size - headerBytes) / 2}`);
    return { format: 'llmc', tokens, read: (vocabSize) => blocks(file, headerBytes, tokens, vocabSize) };
  } catch (error) {
    if (isSystemError(error)) throw new UserError(`${file} can't be read: ${meaningOf(error)}.`);
    throw error;
  }
}

function readAt(file: string, position: number, bytes: number): Buffer {
  const fd = fs.openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    for (let done = 0; done < bytes;) {
      const n = fs.readSync(fd, buffer, done, bytes - done, position + done);
      if (n === 0) throw refuse(file, 'it became shorter while it was read');
      done += n;
    }
    return buffer;
  } finally {
    fs.closeSync(fd);
  }
}

function* blocks(file: string, offset: number, tokens: number, vocabSize: number): Generator<Uint16Array> {
  for (let at = 0; at < tokens; at += blockTokens) {
    const n = Math.min(blockTokens, tokens - at);
    const bytes = readAt(file, offset + 2 * at, 2 * n);
    const block = new Uint16Array(n);
    for (let i = 0; i < n; i++) block[i] = bytes.readUInt16LE(2 * i);
    const bad = block.findIndex((t) => t >= vocabSize);
    if (bad >= 0) throw refuse(file, `token ${at + bad} is ${block[bad]}, and the vocabulary has ${vocabSize}`);
    yield block;
  }
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
