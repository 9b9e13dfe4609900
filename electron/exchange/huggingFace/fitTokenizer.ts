import { type Definition, nameOf, builtInNames } from '../../data/tokenizers/own/definition.ts';
import type { KeptTokenizer } from '../../data/tokenizers/own/kept.ts';
import { UserError } from '../../base/errors.ts';
import type { FolderTokenizer } from './readTokenizer.ts';

/** What becomes of the rows of a model for which its tokenizer has no token of its own: padding, and tokens added later. */
export const extraRows = ['keep', 'drop'] as const;
export type ExtraRows = (typeof extraRows)[number];

/** A tokenizer and as many rows as its model has. */
export interface Fitted {
  /** One of those that come with no model, or what is to be kept of one that did. */
  readonly tokenizer: 'gpt2' | 'bytes' | KeptTokenizer;
  readonly rows: number;
  /** What people should know of it. */
  readonly notices: readonly string[];
}

const shown = (texts: readonly string[]): string =>
  texts.length > 4 ? `${texts.slice(0, 3).join(', ')} and ${texts.length - 3} more` : texts.join(', ');
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/**
 * Brings a tokenizer and a model's rows together: a model may have more rows than there are tokens (padding to a round
 * number), a tokenizer tokens that the model never got a row for.
 * @throws UserError when they don't belong together
 */
export function fitTokenizer(
  dir: string,
  { definition, baseSize, files, notices: read }: FolderTokenizer,
  rows: number,
  extra: ExtraRows,
): Fitted {
  const size = definition.tokens.length;
  if (baseSize > rows)
    throw new UserError(
      `${dir}: the tokenizer has ${baseSize} tokens and the model rows for ${rows} of them: they don't belong together.`,
    );
  const notices = [...read];
  const wanted = extra === 'drop' ? baseSize : Math.min(size, rows);
  const left = definition.added.filter((a) => a.id >= wanted).map((a) => JSON.stringify(a.text));
  if (size > rows)
    notices.push(
      `the model has no rows for ${count(size - rows, 'token')} (${shown(left)}): left out of its tokenizer`,
    );
  if (extra === 'keep' && rows > size)
    notices.push(
      `${count(rows - size, 'row')} of its ${rows} stand for no token (padding): kept; --extra-rows drop leaves them out`,
    );
  const added = definition.added.filter((a) => a.id >= baseSize && a.id < rows).map((a) => JSON.stringify(a.text));
  if (extra === 'keep' && added.length > 0)
    notices.push(`${count(added.length, 'token')} added to its vocabulary (${shown(added)}): kept, with their rows`);
  if (extra === 'drop' && rows > baseSize)
    notices.push(
      `${count(rows - baseSize, 'row')} dropped: ${baseSize} stay${added.length > 0 ? `; text with ${shown(added)} becomes ordinary tokens` : ''}`,
    );
  return {
    tokenizer: keptOf(dir, upTo(definition, wanted), wanted === size ? files : {}),
    rows: extra === 'drop' ? baseSize : rows,
    notices,
  };
}

/** A tokenizer without its tokens from an id on. */
const upTo = (definition: Definition, size: number): Definition => ({
  ...definition,
  tokens: definition.tokens.slice(0, size),
  added: definition.added.filter((a) => a.id < size),
});

function keptOf(dir: string, definition: Definition, files: Readonly<Record<string, string>>): Fitted['tokenizer'] {
  const label = dir.replace(/[\\/]+$/, '').replace(/^.*[\\/]/, '');
  return builtInNames[nameOf(definition)] ?? { label, definition, files };
}

/** GPT-2's vocabulary, and padded to what tensor cores like: what nanoGPT's and others' models have. */
const isGpt2Size = (rows: number): boolean => rows >= 50257 && rows <= 50304;

/**
 * What is assumed of a folder that has no tokenizer at all.
 * @throws UserError when its number of rows says nothing
 */
export function assumedTokenizer(dir: string, rows: number, extra: ExtraRows): Fitted {
  const name = isGpt2Size(rows) ? 'gpt2' : rows === 257 ? 'bytes' : undefined;
  if (name === undefined)
    throw new UserError(
      `${dir} has no tokenizer, and the model's ${rows} rows don't say whose tokens they are: put its tokenizer.json, or vocab.json and merges.txt, beside it, or name a tokenizer with --tokenizer.`,
    );
  const size = name === 'gpt2' ? 50257 : 257;
  const whose = name === 'gpt2' ? "GPT-2's" : 'bytes';
  const notices = [`it has no tokenizer beside it: its ${rows} rows are taken for ${whose}`];
  return { ...padded(name, size, rows, extra), notices: [...notices, ...padded(name, size, rows, extra).notices] };
}

/** A tokenizer that the user names, beside a model's rows. @throws UserError when it has more tokens */
export function padded<T extends Fitted['tokenizer']>(tokenizer: T, size: number, rows: number, extra: ExtraRows) {
  if (size > rows)
    throw new UserError(`The tokenizer has ${size} tokens and the model rows for ${rows}: name another.`);
  const more = rows - size;
  const kept = `${count(more, 'row')} of its ${rows} stand for no token (padding): `;
  const notices =
    more === 0 ? [] : [extra === 'keep' ? `${kept}kept; --extra-rows drop leaves them out` : `${kept}dropped`];
  return { tokenizer, rows: extra === 'drop' ? size : rows, notices };
}
