import { isUtf8 } from 'node:buffer';
import { tokenBytesOf } from '../../../base/tokens.ts';
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

export const notUtf8 = 'not UTF-8 text';
/** Its begin is looked at when a file is recognized: this is about the rest, such as a tail that was never written. */
export const zeroByte = 'a zero byte';

/** What is wrong with bytes as text, and where; undefined when nothing is. */
function faultIn(bytes: Uint8Array): { readonly reason: string; readonly at: number } | undefined {
  if (!isUtf8(bytes)) return { reason: notUtf8, at: firstBadByte(bytes) };
  const at = bytes.indexOf(0);
  return at < 0 ? undefined : { reason: zeroByte, at };
}

/** Tokens of documents, each with its end; of a part of a document without. Those that are no text are told, numbered from 0. */
export function parseText({ bytes, ends }: TextPayload, selection: Selection): Parsed {
  if (!ends) return parsePart(bytes, selection);
  const collected = new Collected();
  let begin = 0;
  for (const [i, end] of ends.entries()) {
    const own = bytes.subarray(begin, end);
    begin = end;
    const fault = faultIn(own);
    if (fault) collected.bad.push({ line: i, ...fault });
    else collected.addUtf8(own, selection);
  }
  return collected.parsed;
}

function parsePart(bytes: Uint8Array, { tokenizer: name }: Selection): Parsed {
  const nothing = new Collected().parsed;
  const fault = faultIn(bytes);
  if (fault) return { ...nothing, bad: [{ line: 0, ...fault }] };
  const tokenizer = getTokenizer(name);
  const tokens = new TokenBuffer(bytes.length, tokenBytesOf(tokenizer.vocabSize));
  tokenizer.encodeInto(bytes, tokens);
  return { ...nothing, tokens: tokens.slice(), textBytes: bytes.length, markers: markersIn(bytes) };
}
