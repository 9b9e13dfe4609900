import { readTextFile } from '../../base/textFile.ts';
import { UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import type { Tokenizer } from '../../data/tokenizers/types.ts';
import type { Question } from '../packing.ts';
import { type HellaswagItem, parseItems, promptOf } from './items.ts';

/** An item in tokens, with what its score needs besides. */
export interface HellaswagQuestion extends Question {
  readonly label: number;
  /** Characters of each ending, as Python counts them: code points. */
  readonly characters: readonly number[];
}

/**
 * Tokens of an item as lm-evaluation-harness takes them: those of context and ending joined by a space, of which the first
 * are the context's. An ending that changes how the context's own end is split begins at the same count.
 */
export function questionOf(item: HellaswagItem, tokenizer: Tokenizer): HellaswagQuestion {
  const { context: text, endings } = promptOf(item);
  const context = Array.from(tokenizer.encode(text));
  const choices = endings.map((ending) => Array.from(tokenizer.encode(`${text} ${ending}`)).slice(context.length));
  const characters = endings.map((ending) => [...ending].length);
  return { context: context.length > 0 ? context : [tokenizer.startOfText], choices, characters, label: item.label };
}

/**
 * The first items of a file in tokens, by their place.
 * @throws UserError when it can't be read, or is no HellaSwag file
 */
export function readQuestions(file: string, items: number, tokenizer: Tokenizer): Map<number, HellaswagQuestion> {
  let content: string;
  try {
    content = readTextFile(file);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`HellaSwag's items can't be read from ${file}: ${meaningOf(error)}.`);
  }
  const wanted = parseItems(content, file).slice(0, items);
  return new Map(wanted.map((item, i) => [i, questionOf(item, tokenizer)]));
}
