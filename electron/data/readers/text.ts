import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { messageOf, UserError } from '../../errors.ts';
import { firstBadByte, unfinishedTail } from './utf8.ts';

/** Characters of a piece, about: what a tokenizer gets at once. */
const pieceLength = 1 << 20;

export interface Source {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Size and hash of a file. @throws UserError when it can't be read or is empty */
export async function describe(file: string): Promise<Source> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of read(file)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  if (bytes === 0) throw new UserError(`The file ${file} is empty: there is nothing to train on in it.`);
  return { path: file, bytes, sha256: hash.digest('hex') };
}

/**
 * The text of a file in pieces that tokenise as the whole does, without its byte order mark.
 * @throws UserError with file and byte when it is not UTF-8
 */
export async function* textPieces(file: string): AsyncGenerator<string> {
  let pending: Uint8Array = new Uint8Array();
  let offset = 0;
  let text = '';
  for await (const chunk of read(file)) {
    const bytes = pending.length ? Buffer.concat([pending, chunk]) : chunk;
    const whole = bytes.subarray(0, bytes.length - unfinishedTail(bytes));
    check(file, whole, offset);
    text += decode(whole, offset === 0);
    offset += whole.length;
    pending = bytes.subarray(whole.length);
    while (text.length >= 2 * pieceLength) {
      const end = pieceEnd(text);
      yield text.slice(0, end);
      text = text.slice(end);
    }
  }
  check(file, pending, offset);
  while (text.length > 0) {
    const end = text.length > 2 * pieceLength ? pieceEnd(text) : text.length;
    yield text.slice(0, end);
    text = text.slice(end);
  }
}

function decode(bytes: Uint8Array, first: boolean): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  return first && text.startsWith('\ufeff') ? text.slice(1) : text;
}

function check(file: string, bytes: Uint8Array, offset: number): void {
  if (isUtf8(bytes)) return;
  const at = offset + Math.max(0, firstBadByte(bytes));
  throw new UserError(
    `The file ${file} is not UTF-8 text (byte ${at}): convert it, for example with iconv, or leave it out.`,
  );
}

async function* read(file: string): AsyncGenerator<Buffer> {
  try {
    yield* fs.createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw new UserError(`The file ${file} can't be read: ${messageOf(error)}.`);
  }
}

/** As GPT-2's pattern has it; JavaScript's `\s` is another set. */
const isSpace = (character: string): boolean => /\p{White_Space}/u.test(character);

/**
 * Where to cut: before whitespace that follows something else. No token of GPT-2's pattern goes from non-space into space,
 * so both parts tokenise as they do together. Text without any space is cut anywhere between characters.
 */
export function pieceEnd(text: string, length = pieceLength): number {
  for (let i = length; i < text.length; i++) {
    if (isSpace(text[i]!) && !isSpace(text[i - 1]!)) return i;
    if (i > 4 * length) break;
  }
  const code = text.charCodeAt(length);
  return code >= 0xdc00 && code <= 0xdfff ? length + 1 : length;
}
