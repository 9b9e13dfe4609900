import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import { letters, written } from '../../data/tokenizers/bpe/letters.ts';
import type { TokenizerName } from '../../data/tokenizers/index.ts';
import type { AddedToken, Definition } from '../../data/tokenizers/own/definition.ts';
import { keptTokenizerOf } from '../../data/tokenizers/own/kept.ts';

/** Files that Hugging Face's libraries load a tokenizer from, by name. */
export type TokenizerFiles = Readonly<Record<string, string>>;

const endOfText = '<|endoftext|>';
const utf8 = new TextEncoder();

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

/**
 * A tokenizer's files: those that it came in, or as Hugging Face's libraries write them. For the byte tokenizer: 256 bytes
 * and the end of text, and no merges.
 */
export function tokenizerFiles(name: TokenizerName, contextLength: number): TokenizerFiles {
  if (name !== 'gpt2' && name !== 'bytes') {
    const { files, definition } = keptTokenizerOf(name);
    return Object.keys(files).length > 0 ? files : filesOf(contentOf(definition), contextLength);
  }
  const tokens = name === 'gpt2' ? gpt2Tokens() : [...letters];
  const id = tokens.length;
  return filesOf(
    {
      vocab: Object.fromEntries([...tokens, endOfText].map((token, i) => [token, i])),
      merges: name === 'gpt2' ? mergesOf(tokens) : [],
      added: [{ id, text: endOfText, lstrip: false, rstrip: false }],
      endOfText: id,
      startOfText: id,
      unknown: null,
    },
    contextLength,
  );
}

interface Content extends Pick<Definition, 'added' | 'endOfText' | 'startOfText'> {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [left: string, right: string])[];
  /** The text of the token that stands for bytes without one. */
  readonly unknown: string | null;
}

function contentOf({ tokens, merges, added, endOfText: end, startOfText, unknown }: Definition): Content {
  const textOf = new Map(added.map((a) => [a.id, a.text]));
  const text = (id: number): string => tokens[id] ?? textOf.get(id)!;
  return {
    vocab: Object.fromEntries(tokens.flatMap((own, id) => (own === null && !textOf.has(id) ? [] : [[text(id), id]]))),
    merges: Array.from(
      { length: merges.length / 2 },
      (_, i) => [text(merges[2 * i]!), text(merges[2 * i + 1]!)] as const,
    ),
    added,
    endOfText: end,
    startOfText,
    unknown: unknown === null ? null : text(unknown),
  };
}

function filesOf(
  { vocab, merges, added, endOfText: end, startOfText: start, unknown }: Content,
  contextLength: number,
): TokenizerFiles {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const entry = ({ id, text, lstrip, rstrip }: AddedToken) => {
    return { id, content: text, single_word: false, lstrip, rstrip, normalized: true, special: true };
  };
  const whole = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added.map(entry),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: { ...byteLevel, trim_offsets: false },
    decoder: { ...byteLevel, add_prefix_space: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: unknown,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: merges.map((m) => m.join(' ')),
    },
  };
  const textOf = (id: number): string => added.find((a) => a.id === id)!.text;
  const special = { bos_token: textOf(start), eos_token: textOf(end), unk_token: unknown ?? textOf(end) };
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
