import { bytes } from './bytes.ts';
import { gpt2 } from './gpt2.ts';
import { ownTokenizerOf } from './own/kept.ts';
import type { Tokenizer, TokenizerName } from './types.ts';

export { keptNames, lookForTokenizersIn, tokenizerContent, tokenizersDir } from './own/kept.ts';
export { type StreamDecoder, type Tokenizer, type TokenizerName, tokenizerNameSchema } from './types.ts';

const builtIn = { gpt2, bytes };

/** Those that need no model to come with. */
export const tokenizerNames = Object.keys(builtIn) as (keyof typeof builtIn)[];

/** @throws UserError when it came with a model, and is not found */
export const getTokenizer = (name: TokenizerName): Tokenizer =>
  name === 'gpt2' || name === 'bytes' ? builtIn[name] : ownTokenizerOf(name);
