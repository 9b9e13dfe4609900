import type { WrittenToken } from '../../../electron/api/types.ts';

/** Tokens that make whole characters together: mostly one. */
export interface Piece {
  readonly text: string;
  /** The last of them ends the text. */
  readonly ends: boolean;
  readonly tokens: readonly WrittenToken[];
}

/** Groups tokens so that each group has something to show: a character of several tokens is its last one's. */
export function piecesOf(tokens: readonly WrittenToken[]): Piece[] {
  const pieces: Piece[] = [];
  let open: WrittenToken[] = [];
  for (const token of tokens) {
    open.push(token);
    if (token.text === '') continue;
    pieces.push({ text: token.text ?? '', ends: token.text === null, tokens: open });
    open = [];
  }
  // Cut off in the middle of a character.
  if (open.length > 0) pieces.push({ text: '', ends: false, tokens: open });
  return pieces;
}
