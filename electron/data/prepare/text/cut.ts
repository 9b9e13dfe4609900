import { classOf, codePointAt, letter, other, space } from '../../tokenizers/bpe/classes.ts';

const [newline, blank, apostrophe] = [0x0a, 0x20, 0x27];

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

/** The class of the character at a place; of bytes that are no UTF-8, which are found later, some class. */
function kindAt(bytes: Uint8Array, at: number): number {
  const codePoint = codePointAt(bytes, at);
  return codePoint > 0x10ffff ? other : classOf(codePoint);
}

/** Where the character that ends before a place begins. */
function previous(bytes: Uint8Array, at: number, begin: number): number {
  let start = at - 1;
  while (start > begin && isContinuation(bytes[start]!)) start--;
  return start;
}

/**
 * The last place in (begin, end] of UTF-8 text where it can be cut without changing its tokens; -1 where there is none.
 *
 * Tokens never cross the matches of GPT-2's pattern, `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
 * Both parts match as the whole does where a match ends for a reason that lies on both sides of the cut:
 * - before whitespace that follows something else, since a match has whitespace only at its beginning. Line ends are tried
 *   first, then blanks;
 * - between two classes of characters (letters, numbers, others), since a match has one class; but not behind an
 *   apostrophe, which may take letters with it.
 * @param bytes text that goes on behind `end`, or ends there
 */
export function safeCut(bytes: Uint8Array, begin: number, end: number): number {
  for (const separator of [newline, blank]) {
    for (let at = bytes.lastIndexOf(separator, end); at > begin; at = bytes.lastIndexOf(separator, at - 1)) {
      if (at < bytes.length && kindAt(bytes, previous(bytes, at, begin)) !== space) return at;
    }
  }
  let at = Math.min(end, bytes.length - 1);
  while (at > begin && isContinuation(bytes[at]!)) at--;
  if (at <= begin) return -1;
  let kind = kindAt(bytes, at);
  while (at > begin) {
    const before = previous(bytes, at, begin);
    const kindBefore = kindAt(bytes, before);
    const changes = kindBefore !== kind && kindBefore !== space;
    if (changes && !(kind === letter && bytes[before] === apostrophe)) return at;
    [at, kind] = [before, kindBefore];
  }
  return -1;
}

/** The last place in (begin, end] between two characters. */
export function characterCut(bytes: Uint8Array, begin: number, end: number): number {
  let at = end;
  while (at > begin + 1 && at < bytes.length && isContinuation(bytes[at]!)) at--;
  return at;
}
