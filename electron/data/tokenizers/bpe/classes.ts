/** What GPT-2's pattern tells apart. */
export const letter = 1;
export const number = 2;
export const space = 3;
export const other = 4;

/** Of each code point, found out when it is first met; 0: not yet. */
const known = new Uint8Array(0x110000);

/** The class of a code point: by the same engine's regular expressions, so that its Unicode version is the pattern's. */
export function classOf(codePoint: number): number {
  return known[codePoint] || learn(codePoint);
}

function learn(codePoint: number): number {
  const character = String.fromCodePoint(codePoint);
  let found = other;
  if (/\p{L}/u.test(character)) found = letter;
  else if (/\p{N}/u.test(character)) found = number;
  else if (/\s/u.test(character)) found = space;
  known[codePoint] = found;
  return found;
}

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
