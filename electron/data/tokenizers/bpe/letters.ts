/**
 * The letter that stands for each byte in GPT-2's files: itself where it is printable, else one from U+0100 on
 * (`bytes_to_unicode` of Radford et al. 2019).
 */
export const letters: readonly string[] = (() => {
  const printable = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++));
})();

const byteOf = new Map(letters.map((letter, byte) => [letter, byte]));

/** Bytes in these letters. */
export const written = (bytes: Uint8Array): string => Array.from(bytes, (b) => letters[b]!).join('');

/** The bytes that letters stand for; undefined where one of them stands for none. */
export function bytesOfLetters(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = byteOf.get(text[i]!);
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
