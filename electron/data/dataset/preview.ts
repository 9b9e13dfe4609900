import type { Tokenizer } from '../tokenizers/index.ts';

/** The texts between the tokens that end documents: the first and the last may be parts of documents. */
export function decodedDocuments(tokenizer: Tokenizer, ids: ArrayLike<number>): string[] {
  const pieces: number[][] = [[]];
  for (const id of Array.from(ids)) {
    if (id === tokenizer.endOfText) pieces.push([]);
    else pieces.at(-1)!.push(id);
  }
  return pieces.map((piece) => tokenizer.decode(piece));
}
