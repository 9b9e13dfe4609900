import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import type { TokenizerName } from '../../data/tokenizers/index.ts';

/** Files that Hugging Face's libraries load a tokenizer from, by name. */
export type TokenizerFiles = Readonly<Record<string, string>>;

const endOfText = '<|endoftext|>';
const utf8 = new TextEncoder();

/**
 * The letter that stands for each byte in GPT-2's files: itself where it is printable, else one from U+0100 on
 * (`bytes_to_unicode` of Radford et al. 2019).
 */
const letters: readonly string[] = (() => {
  const printable = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++));
})();

const written = (bytes: Uint8Array): string => Array.from(bytes, (b) => letters[b]!).join('');

/** Of each token its text in these letters, in the order of their ids. */
function gpt2Tokens(): string[] {
  return Array.from({ length: 50256 }, (_, id) => {
    const piece = ranks[id];
    if (piece === undefined) throw new Error(`GPT-2's token ${id} is missing`);
    return written(typeof piece === 'string' ? utf8.encode(piece) : Uint8Array.from(piece));
  });
}

/**
 * The merges that byte-pair encoding makes, in the order in which it prefers them. Each token of several bytes is what
 * encoding itself, with only the tokens before it, leaves in two parts.
 */
export function mergesOf(tokens: readonly string[]): [string, string][] {
  const rank = new Map(tokens.map((token, id) => [token, id]));
  return tokens.slice(256).map((token, i) => {
    let parts = [...token];
    while (parts.length > 2) {
      let [best, at] = [Infinity, -1];
      for (let j = 0; j + 1 < parts.length; j++) {
        const joined = rank.get(parts[j]! + parts[j + 1]!) ?? Infinity;
        if (joined < best) [best, at] = [joined, j];
      }
      if (best >= 256 + i) throw new Error(`no merges lead to the token ${JSON.stringify(token)}`);
      parts = [...parts.slice(0, at), parts[at]! + parts[at + 1]!, ...parts.slice(at + 2)];
    }
    return parts as [string, string];
  });
}

/** A tokenizer's files. For the byte tokenizer: 256 bytes and the end of text, and no merges. */
export function tokenizerFiles(name: TokenizerName, contextLength: number): TokenizerFiles {
  const tokens = name === 'gpt2' ? gpt2Tokens() : [...letters];
  const merges = name === 'gpt2' ? mergesOf(tokens) : [];
  const vocab = Object.fromEntries([...tokens, endOfText].map((token, id) => [token, id]));
  const id = tokens.length;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const whole = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      { id, content: endOfText, single_word: false, lstrip: false, rstrip: false, normalized: true, special: true },
    ],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: { ...byteLevel, trim_offsets: false },
    decoder: { ...byteLevel, add_prefix_space: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: merges.map((m) => m.join(' ')),
    },
  };
  const special = { bos_token: endOfText, eos_token: endOfText, unk_token: endOfText };
  const settings = {
    ...special,
    add_prefix_space: false,
    clean_up_tokenization_spaces: false,
    model_max_length: contextLength,
    tokenizer_class: 'GPT2Tokenizer',
  };
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  return {
    'vocab.json': `${JSON.stringify(vocab)}\n`,
    'merges.txt': ['#version: 0.2', ...merges.map((m) => m.join(' ')), ''].join('\n'),
    'tokenizer.json': json(whole),
    'tokenizer_config.json': json(settings),
    'special_tokens_map.json': json(special),
  };
}
