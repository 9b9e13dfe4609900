import { getTokenizer, type TokenizerName } from './tokenizers/index.ts';

/** Tokenises one piece of text in a worker thread. */
export default ({ text, tokenizer }: { text: string; tokenizer: TokenizerName }): Uint16Array =>
  getTokenizer(tokenizer).encode(text);
