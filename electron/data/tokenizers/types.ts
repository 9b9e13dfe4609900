import { z } from 'zod';
import type { Tokens } from '../../base/tokens.ts';
import type { TokenBuffer } from './bpe/tokenBuffer.ts';

/** GPT-2's, bytes, or a byte-pair encoding that came with a model, by a hash of it. */
export type TokenizerName = 'gpt2' | 'bytes' | OwnName;
export type OwnName = `bpe-${string}`;

export const tokenizerNameSchema = z.custom<TokenizerName>(
  (name) => typeof name === 'string' && /^(gpt2|bytes|bpe-[0-9a-f]{8})$/.test(name),
  'unknown tokenizer: gpt2, bytes or one that came with a model (bpe-…)',
);

/** Text to tokens and back. */
export interface Tokenizer {
  readonly name: TokenizerName;
  readonly vocabSize: number;
  /** The token that ends a document. Text never becomes it: `<|endoftext|>` in a document is ordinary text. */
  readonly endOfText: number;
  /** The token that a text begins with where nothing else does: the same, unless the tokenizer has one for it. */
  readonly startOfText: number;
  /** In the width of the vocabulary. */
  encode(text: string): Tokens;
  /** Appends the tokens of text that is well-formed UTF-8 already. @param out of this vocabulary's width, or wider */
  encodeInto(utf8: Uint8Array, out: TokenBuffer): void;
  /** Broken sequences become U+FFFD; the end of text becomes nothing. */
  decode(tokens: Iterable<number>): string;
  /** Bytes of text that tokens stand for; the end of text stands for none. */
  byteLength(tokens: Iterable<number>): number;
  /** Decodes token by token: a character comes out when its last byte has come in. */
  streamDecoder(): StreamDecoder;
}

export interface StreamDecoder {
  push(token: number): string;
  /** What is left of a broken character. */
  end(): string;
}
