import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import { encode } from 'gpt-tokenizer/encoding/r50k_base';
import type { Tokenizer } from './types.ts';
import { WordEncoder } from './words.ts';

const endOfText = 50256;
/** No text is special: `<|endoftext|>` in a document is ordinary text. */
const ordinary = { disallowedSpecial: new Set<string>() };
const utf8 = new TextEncoder();
const words = new WordEncoder((word) => encode(word, ordinary));

/** The bytes of a token: a character may begin in one token and end in the next. */
function bytesOf(token: number): Uint8Array {
  const piece = token === endOfText ? undefined : ranks[token];
  if (piece === undefined) return new Uint8Array();
  return typeof piece === 'string' ? utf8.encode(piece) : Uint8Array.from(piece);
}

/** GPT-2's byte-pair encoding. */
export const gpt2: Tokenizer = {
  name: 'gpt2',
  vocabSize: 50257,
  endOfText,
  encode: (text) => words.encode(text),
  decode: (tokens) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(Array.from(tokens, bytesOf))),
  byteLength(tokens) {
    let bytes = 0;
    for (const token of tokens) bytes += bytesOf(token).length;
    return bytes;
  },
  streamDecoder() {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return {
      push: (token) => decoder.decode(bytesOf(token), { stream: true }),
      end: () => decoder.decode(),
    };
  },
};
