import type { Tokens } from '../../base/tokens.ts';

/** Fewer tokens than these say nothing. */
const enough = 1000;
/** No text has one token in so many places. */
const maxOfOne = 0.6;
/** Tokens of one byte: text has longer ones, too. */
const singleBytes = 256;

/**
 * What is wrong with tokens that no text has, whatever it is in.
 * @param tokens the first ones
 * @param vocabSize of the tokenizer that they are said to be of
 * @returns undefined when nothing is
 */
export function implausible(tokens: Tokens, vocabSize: number): string | undefined {
  if (tokens.length < enough) return undefined;
  for (const parity of [0, 1]) {
    const first = tokens[parity]!;
    if (tokens.every((t, i) => i % 2 !== parity || t === first))
      return `every second token is ${first}, as in numbers of another size (--dtype)`;
  }
  const counts = new Map<number, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  // The lowest of those that are there equally often.
  const [often, count] = [...counts].reduce((a, b) => (b[1] > a[1] || (b[1] === a[1] && b[0] < a[0]) ? b : a));
  const part = count / tokens.length;
  if (part > maxOfOne) return `${Math.floor(100 * part)} % of the first ${tokens.length} tokens are ${often}`;
  const max = [...counts.keys()].reduce((a, b) => Math.max(a, b));
  if (vocabSize > 4 * singleBytes && max < singleBytes)
    return `all of the first ${tokens.length} tokens are ${max} or less: a vocabulary of its own, as of nanoGPT's characters, for which the text is needed (\`data add\`)`;
  return undefined;
}

/**
 * What is wrong with the end of a file of tokens: one token over and over, as where the room for them was made before they
 * were written, and not all were.
 * @param tokens the last ones
 * @returns undefined when nothing is
 */
export function unwrittenEnd(tokens: Tokens): string | undefined {
  const last = tokens.at(-1)!;
  const same = tokens.length - 1 - tokens.findLastIndex((token) => token !== last);
  if (same < enough) return undefined;
  const min = same === tokens.length ? 'at least ' : '';
  return `its last tokens (${min}${same}) are all ${last}, as in a file that was not written to its end`;
}
