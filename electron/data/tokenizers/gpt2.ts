import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import { Encoder } from './bpe/encoder.ts';
import { TokenBuffer } from './bpe/tokenBuffer.ts';
import { Vocabulary } from './bpe/vocabulary.ts';
import type { Tokenizer } from './types.ts';

const endOfText = 50256;
const utf8 = new TextEncoder();

/** Made when it is first used: it takes a tenth of a second. */
let encoder: Encoder | undefined;
function encodeInto(bytes: Uint8Array, out: TokenBuffer): void {
  encoder ??= new Encoder(Vocabulary.ofRanks(Array.from({ length: endOfText }, (_, token) => bytesOf(token))));
  encoder.encode(bytes, out);
}

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
  startOfText: endOfText,
  encodeInto,
  encode(text) {
    const out = new TokenBuffer(text.length);
    encodeInto(utf8.encode(text), out);
    return out.slice();
  },
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
