/** Token ids, in the width of their vocabulary. */
export type Tokens = Uint16Array | Uint32Array;

/** Bytes of a token id. */
export type TokenBytes = 2 | 4;

/** Ids that fit in 16 bits. */
const narrowVocabSize = 1 << 16;

/** The largest vocabulary: devices take ids as int32, and one number more stands for "no token". */
export const maxVocabSize = 2 ** 31 - 1;

/** Bytes of each id of a vocabulary, wherever ids are stored: 2 up to 65,536 ids, else 4. */
export const tokenBytesOf = (vocabSize: number): TokenBytes => (vocabSize <= narrowVocabSize ? 2 : 4);

/** Room for so many tokens, each of them 0. */
export const zeroTokens = (bytes: TokenBytes, length: number): Tokens =>
  bytes === 2 ? new Uint16Array(length) : new Uint32Array(length);

/** Tokens in the width of a vocabulary; each is below its size. */
export const tokensOf = (vocabSize: number, ids: ArrayLike<number>): Tokens =>
  tokenBytesOf(vocabSize) === 2 ? Uint16Array.from(ids) : Uint32Array.from(ids);

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The bytes of tokens as files have them. Every platform that Node runs on but a few mainframes stores numbers so already. */
export function littleEndian(tokens: Tokens): Uint8Array {
  const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
  if (isLittleEndian) return bytes;
  const copy = Buffer.from(bytes);
  return tokens.BYTES_PER_ELEMENT === 2 ? copy.swap16() : copy.swap32();
}
