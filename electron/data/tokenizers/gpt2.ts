import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import { decode, encode } from 'gpt-tokenizer/encoding/r50k_base';
import type { Tokenizer } from './types.ts';

const endOfText = 50256;
/** No text is special: `<|endoftext|>` in a document is ordinary text. */
const ordinary = { disallowedSpecial: new Set<string>() };
const utf8 = new TextEncoder();

/** GPT-2's byte-pair encoding. */
export const gpt2: Tokenizer = {
  name: 'gpt2',
  vocabSize: 50257,
  endOfText,
  encode: (text) => Uint16Array.from(encode(text, ordinary)),
  decode: (tokens) => decode([...tokens].filter((t) => t !== endOfText)),
  streamDecoder() {
    const decoder = new TextDecoder();
    return {
      push(token) {
        const piece = ranks[token];
        if (piece === undefined) return '';
        const bytes = typeof piece === 'string' ? utf8.encode(piece) : Uint8Array.from(piece);
        return decoder.decode(bytes, { stream: true });
      },
      end: () => decoder.decode(),
    };
  },
};
