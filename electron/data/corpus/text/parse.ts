import { isUtf8 } from 'node:buffer';
import { Collected, type Parsed, type Selection } from '../documents.ts';
import { getTokenizer } from '../../tokenizers/index.ts';
import { TokenBuffer } from '../../tokenizers/bpe/tokenBuffer.ts';
import { markersIn } from './marker.ts';
import { firstBadByte } from './utf8.ts';

/** Text for a thread: whole documents end to end, or a part of one that is longer. */
export interface TextPayload {
  readonly bytes: Uint8Array;
  /** Where each document ends; absent of a part. */
  readonly ends?: Uint32Array;
}

/** The name of the format, as jobs have it. */
export const textFormat = 'text';

export const notUtf8 = 'no UTF-8 text';

/** Tokens of documents, each with its end; of a part of a document without. Those that are no UTF-8 are told, numbered from 0. */
export function parseText({ bytes, ends }: TextPayload, selection: Selection): Parsed {
  if (!ends) return parsePart(bytes, selection);
  const collected = new Collected();
  let begin = 0;
  for (const [i, end] of ends.entries()) {
    const own = bytes.subarray(begin, end);
    begin = end;
    const at = isUtf8(own) ? -1 : firstBadByte(own);
    if (at >= 0) collected.bad.push({ line: i, reason: notUtf8, at });
    else collected.addUtf8(own, selection);
  }
  return collected.parsed;
}

function parsePart(bytes: Uint8Array, { tokenizer }: Selection): Parsed {
  const nothing = new Collected().parsed;
  const at = isUtf8(bytes) ? -1 : firstBadByte(bytes);
  if (at >= 0) return { ...nothing, bad: [{ line: 0, reason: notUtf8, at }] };
  const tokens = new TokenBuffer(bytes.length);
  getTokenizer(tokenizer).encodeInto(bytes, tokens);
  return { ...nothing, tokens: tokens.slice(), textBytes: bytes.length, markers: markersIn(bytes) };
}
