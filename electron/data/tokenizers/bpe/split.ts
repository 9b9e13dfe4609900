import { classOf, codePointAt, letter, number, other, space, widthOf } from './classes.ts';

const [apostrophe, blank] = [0x27, 0x20];
const ascii = Uint8Array.from({ length: 128 }, (_, i) => classOf(i));

/** Bytes of `'s`, `'d`, `'m`, `'t`, `'ll`, `'ve`, `'re` behind an apostrophe's place, with it; 0 when there is none of them. */
function contraction(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return 0;
  const [first, second] = [bytes[at + 1]!, at + 2 < end ? bytes[at + 2]! : 0];
  switch (first) {
    case 0x73: // s
    case 0x64: // d
    case 0x6d: // m
    case 0x74: // t
      return 2;
    case 0x6c: // l
      return second === 0x6c ? 3 : 0;
    case 0x76: // v
    case 0x72: // r
      return second === 0x65 ? 3 : 0;
    default:
      return 0;
  }
}

/** Where a run of characters of a class ends. */
function runEnd(bytes: Uint8Array, begin: number, end: number, kind: number): number {
  let at = begin;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte < 0x80) {
      if (ascii[byte] !== kind) break;
      at++;
    } else {
      if (classOf(codePointAt(bytes, at)) !== kind) break;
      at += widthOf(byte);
    }
  }
  return at;
}

const kindAt = (bytes: Uint8Array, at: number): number => {
  const byte = bytes[at]!;
  return byte < 0x80 ? ascii[byte]! : classOf(codePointAt(bytes, at));
};

/**
 * Where the word that begins at a place ends, as GPT-2's pattern (Radford et al. 2019) splits text:
 * `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`. No token goes across a split.
 * @param bytes well-formed UTF-8
 * @param end of the text, behind `at`
 */
export function wordEnd(bytes: Uint8Array, at: number, end: number): number {
  const byte = bytes[at]!;
  if (byte === apostrophe) {
    const length = contraction(bytes, at, end);
    if (length > 0) return at + length;
  }
  const kind = kindAt(bytes, at);
  if (kind !== space) return runEnd(bytes, at, end, kind);
  if (byte === blank && at + 1 < end) {
    const next = kindAt(bytes, at + 1);
    if (next === letter || next === number || next === other) return runEnd(bytes, at + 1, end, next);
  }
  const run = runEnd(bytes, at, end, space);
  if (run === end) return run;
  // Before something else the last space stays out, unless it is the only one.
  let last = run - 1;
  while ((bytes[last]! & 0xc0) === 0x80) last--;
  return last > at ? last : run;
}
