import { letters, numbers, spaces } from './classTable.ts';

/** What GPT-2's pattern tells apart. */
export const letter = 1;
export const number = 2;
export const space = 3;
export const other = 4;

/**
 * Of each code point. A table and not this engine's regular expressions: JavaScript's `\s` has U+FEFF and lacks U+0085, and
 * letters change with the version of Unicode, so that another Node would make other tokens.
 */
const classes = new Uint8Array(0x110000).fill(other);
for (const [kind, lengths] of [
  [letter, letters],
  [number, numbers],
  [space, spaces],
] as const) {
  let begin = 0;
  for (const [i, length] of lengths.split(' ').entries()) {
    const end = begin + Number.parseInt(length, 36);
    if (i % 2 === 1) classes.fill(kind, begin, end);
    begin = end;
  }
}

/** The class of a code point, as the libraries have it that GPT-2's tokens are made with. */
export const classOf = (codePoint: number): number => classes[codePoint]!;

/** Bytes of the character that begins with a byte of well-formed UTF-8. */
export const widthOf = (lead: number): number => (lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);

/** The code point at a place in well-formed UTF-8. */
export function codePointAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return lead;
  const second = bytes[at + 1]! & 0x3f;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second;
  const third = bytes[at + 2]! & 0x3f;
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (second << 6) | third;
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | (bytes[at + 3]! & 0x3f);
}
