import type { Tokenizer } from './tokenizers/index.ts';

/** Tokens as people read them: documents on lines of their own, with what stands between them. */
export function decodedWithEnds(tokenizer: Tokenizer, ids: ArrayLike<number>): string {
  const pieces: number[][] = [[]];
  for (const id of Array.from(ids)) {
    if (id === tokenizer.endOfText) pieces.push([]);
    else pieces.at(-1)!.push(id);
  }
  return pieces.map((piece) => tokenizer.decode(piece)).join('\n<|endoftext|>\n');
}
