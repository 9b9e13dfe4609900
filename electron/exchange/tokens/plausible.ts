/** Fewer tokens than these say nothing. */
const enough = 1000;
/** No text has one token in so many places. */
const mostOfOne = 0.6;
/** Tokens of one byte: text has longer ones, too. */
const singleBytes = 256;

/**
 * What is wrong with tokens that no text has, whatever it is in.
 * @param tokens the first ones
 * @param vocabSize of the tokenizer that they are said to be of
 * @returns undefined when nothing is
 */
export function implausible(tokens: Uint16Array, vocabSize: number): string | undefined {
  if (tokens.length < enough) return undefined;
  for (const parity of [0, 1]) {
    const first = tokens[parity]!;
    if (tokens.every((t, i) => i % 2 !== parity || t === first))
      return `every second token is ${first}, as in numbers of another size (--dtype)`;
  }
  const counts = new Uint32Array(65536);
  for (const token of tokens) counts[token]!++;
  let often = 0;
  for (let i = 1; i < counts.length; i++) if (counts[i]! > counts[often]!) often = i;
  const part = counts[often]! / tokens.length;
  if (part > mostOfOne) return `${Math.floor(100 * part)} % of the first ${tokens.length} tokens are ${often}`;
  const max = counts.findLastIndex((n) => n > 0);
  if (vocabSize > 4 * singleBytes && max < singleBytes)
    return `all of the first ${tokens.length} tokens are ${max} or less: a vocabulary of its own, as of nanoGPT's characters, for which the text is needed (\`data add\`)`;
  return undefined;
}
