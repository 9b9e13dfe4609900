import { bytes } from './bytes.ts';
import { gpt2 } from './gpt2.ts';
import type { Tokenizer, TokenizerName } from './types.ts';

export type { StreamDecoder, Tokenizer, TokenizerName } from './types.ts';

const tokenizers: Record<TokenizerName, Tokenizer> = { gpt2, bytes };

export const tokenizerNames = Object.keys(tokenizers) as TokenizerName[];

export const getTokenizer = (name: TokenizerName): Tokenizer => tokenizers[name];
