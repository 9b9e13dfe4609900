import { createHash } from 'node:crypto';
import { z } from 'zod';
import { maxVocabSize } from '../../../base/tokens.ts';
import type { OwnName } from '../types.ts';

const id = z
  .int()
  .min(0)
  .max(maxVocabSize - 1);

/** A token that stands for a piece of text as it is, whatever merges would make of it. */
const addedSchema = z.strictObject({
  id,
  text: z.string().min(1),
  /** Whether white space before and behind it belongs to it. */
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
});

/** A byte-level byte-pair encoding that came with a model, as a model of GPT-2's kind is given its text. */
export const definitionSchema = z.strictObject({
  /** By id, in GPT-2's letters for bytes; null where there is none, or an added one. */
  tokens: z.array(z.string().min(1).nullable()).min(1).max(maxVocabSize),
  /** Pairs of ids that become one token, the first of which is made first: left, right, left, right … */
  merges: z.array(id),
  /** In the order of their ids. */
  added: z.array(addedSchema),
  endOfText: id,
  startOfText: id,
  /** What bytes become that no token stands for; null where each has one. */
  unknown: id.nullable(),
});

export type Definition = z.infer<typeof definitionSchema>;
export type AddedToken = Definition['added'][number];

/** A hash of what decides its tokens: the same encoding has the same name, whatever files it came in. */
export function nameOf({ tokens, merges, added, endOfText, startOfText, unknown }: Definition): OwnName {
  const marks = added.map((a) => [a.id, a.text, a.lstrip, a.rstrip]);
  const content = JSON.stringify([tokens, merges, marks, endOfText, startOfText, unknown]);
  return `bpe-${createHash('sha256').update(content).digest('hex').slice(0, 8)}`;
}

/** What GPT-2's own files and exports of the byte tokenizer come to. */
export const builtInNames: Readonly<Record<OwnName, 'gpt2' | 'bytes'>> = {
  'bpe-f77fb4f4': 'gpt2',
  'bpe-5ad19d89': 'bytes',
};

export const isOwnName = (name: string): name is OwnName => /^bpe-[0-9a-f]{8}$/.test(name);
