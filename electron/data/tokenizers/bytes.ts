import type { Tokenizer } from './types.ts';

const endOfText = 256;

/** UTF-8 bytes as tokens, and 256 for the end of a document. */
export const bytes: Tokenizer = {
  name: 'bytes',
  vocabSize: 257,
  endOfText,
  startOfText: endOfText,
  encodeInto(utf8, out) {
    out.reserve(utf8.length);
    out.tokens.set(utf8, out.length);
    out.length += utf8.length;
  },
  encode: (text) => Uint16Array.from(Buffer.from(text, 'utf8')),
  decode: (tokens) =>
    new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from([...tokens].filter((t) => t < endOfText))),
  byteLength: (tokens) => [...tokens].filter((t) => t < endOfText).length,
  streamDecoder() {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return {
      push: (token) => (token < endOfText ? decoder.decode(Uint8Array.of(token), { stream: true }) : ''),
      end: () => decoder.decode(),
    };
  },
};
