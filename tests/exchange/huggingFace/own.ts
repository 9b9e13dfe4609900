import fs from 'node:fs';
import path from 'node:path';
import { tempDir } from '../../temp.ts';

type Json = Record<string, unknown>;

/** A byte-level BPE of its own, and the tokens that Hugging Face's library makes with it; see reference/own.py. */
export const own = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'reference', 'own.json'), 'utf8')) as {
  readonly whole: Json & {
    readonly model: { readonly vocab: Record<string, number>; readonly merges: [string, string][] };
  };
  readonly cases: readonly { readonly text: string; readonly ids: number[] }[];
};

export const ownSize = Object.keys(own.whole.model.vocab).length;

/** What names the ends of its texts. */
export const ownSettings = { tokenizer_class: 'PreTrainedTokenizerFast', bos_token: '<s>', eos_token: '</s>' };

/** Writes files into a folder: JSON, but for text. @returns the folder */
export function writeFiles(files: Readonly<Record<string, unknown>>, dir = tempDir()): string {
  for (const [name, content] of Object.entries(files))
    fs.writeFileSync(path.join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
  return dir;
}

/** Its files in the form of GPT-2's publication. */
export const ownParts = {
  'vocab.json': own.whole.model.vocab,
  'merges.txt': ['#version: 0.2', ...own.whole.model.merges.map((m) => m.join(' ')), ''].join('\n'),
  'special_tokens_map.json': {
    bos_token: '<s>',
    eos_token: { content: '</s>', lstrip: false },
    pad_token: '<pad>',
    additional_special_tokens: ['<|user|>'],
  },
};

/** Its files in the form of today's libraries, with some of them changed. */
export const ownWhole = (changes: Json = {}, model: Json = {}, settings: Json = {}): Json => ({
  'tokenizer.json': { ...own.whole, ...changes, model: { ...own.whole.model, ...model } },
  'tokenizer_config.json': { ...ownSettings, ...settings },
});
