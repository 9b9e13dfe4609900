import fs from 'node:fs';
import path from 'node:path';
import {
  getTokenizer,
  keptNames,
  lookForTokenizersIn,
  type TokenizerName,
  tokenizerNameSchema,
  tokenizerNames,
  tokenizersDir,
} from '../data/tokenizers/index.ts';
import { isOwnName } from '../data/tokenizers/own/definition.ts';
import { keepTokenizer, keptTokenizerOf } from '../data/tokenizers/own/kept.ts';
import type { RunConfig } from '../engine/run/config.ts';
import { UsageError, UserError } from '../base/errors.ts';
import { fitTokenizer, readTokenizer } from '../exchange/huggingFace/index.ts';
import { maxVocabSize } from '../base/tokens.ts';
import type { Store } from './store/index.ts';

/** A tokenizer as people choose it. */
export interface TokenizerChoice {
  readonly name: TokenizerName;
  /** What it came in, for one that came with a model; else its name. */
  readonly label: string;
  readonly vocabSize: number;
}

function choiceOf(name: TokenizerName): TokenizerChoice {
  const label = isOwnName(name) ? keptTokenizerOf(name).label : name;
  return { name, label, vocabSize: getTokenizer(name).vocabSize };
}

/** The tokenizers that there are, those that came with a model last; damaged ones are left out. */
export const tokenizerChoices = (home: string): TokenizerChoice[] =>
  [...tokenizerNames, ...keptNames(home)].flatMap((name) => {
    try {
      return [choiceOf(name)];
    } catch (error) {
      if (error instanceof UserError) return [];
      throw error;
    }
  });

/** A tokenizer as people read it: its name, and where it came from. */
export function tokenizerTitle(name: TokenizerName): string {
  try {
    return isOwnName(name) ? `${name} (of ${keptTokenizerOf(name).label})` : name;
  } catch {
    return name; // not here
  }
}

/**
 * The tokenizer that a word on a command line names: one of the names, a run whose tokens it makes, or a folder with a
 * tokenizer's files, which is kept from then on.
 * @param store of the home, asked for where the word is none of the names
 * @throws UserError when it names none
 */
export async function tokenizerNamed(home: string, text: string, store: () => Store): Promise<TokenizerName> {
  lookForTokenizersIn(tokenizersDir(home));
  const name = tokenizerNameSchema.safeParse(text).data;
  if (name !== undefined) {
    getTokenizer(name);
    return name;
  }
  const runs = store().runs.list();
  const run = runs.find((r) => r.id === text) ?? runs.find((r) => r.name === text);
  if (run) return (run.config as RunConfig).tokenizer;
  if (fs.statSync(text, { throwIfNoEntry: false })?.isDirectory()) return tokenizerOfFolder(home, text);
  const known = [...tokenizerNames, ...keptNames(home)].join(', ');
  throw new UsageError(
    `There is no tokenizer ${JSON.stringify(text)}: give ${known}, a run, or a folder with a tokenizer's files.`,
  );
}

async function tokenizerOfFolder(home: string, dir: string): Promise<TokenizerName> {
  const found = await readTokenizer(dir, { rows: maxVocabSize });
  if (!found)
    throw new UserError(
      `${path.resolve(dir)} has no tokenizer: tokenizer.json, or vocab.json and merges.txt, is needed.`,
    );
  const { tokenizer } = fitTokenizer(path.resolve(dir), found, found.definition.tokens.length, 'keep');
  return typeof tokenizer === 'string' ? tokenizer : keepTokenizer(tokenizersDir(home), tokenizer);
}
