import { FileError } from '../../formats/fileError.ts';

const utf8Mark = [0xef, 0xbb, 0xbf];
const utf16Marks = { 'utf-16le': [0xff, 0xfe], 'utf-16be': [0xfe, 0xff] } as const;

const startsWith = (bytes: Uint8Array, mark: readonly number[]): boolean =>
  mark.length <= bytes.length && mark.every((byte, i) => bytes[i] === byte);

/**
 * Turns the bytes of a text file into UTF-8 without a byte order mark, piece by piece: UTF-16 is transcoded where its mark
 * says so; everything else is passed on as it is, for whoever reads it to check.
 */
export class Utf8Stream {
  /** Bytes of the file that precede its text, and are not in what comes out. */
  skipped = 0;
  #started = false;
  #held: Uint8Array = new Uint8Array();
  #decoder: InstanceType<typeof TextDecoder> | undefined;

  /** @throws FileError when UTF-16 is malformed */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#started) return this.#decoded(chunk, true);
    // A mark has up to three bytes, and a chunk may have fewer.
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    return this.#held.length < utf8Mark.length ? new Uint8Array() : this.#begin(true);
  }

  /** What is left at the end of the file. */
  end(): Uint8Array {
    if (!this.#started) return this.#begin(false);
    return this.#decoded(new Uint8Array(), false);
  }

  #begin(more: boolean): Uint8Array {
    this.#started = true;
    const bytes = this.#held;
    this.#held = new Uint8Array();
    if (startsWith(bytes, utf8Mark)) {
      this.skipped = utf8Mark.length;
      return bytes.subarray(utf8Mark.length);
    }
    for (const [encoding, mark] of Object.entries(utf16Marks)) {
      if (startsWith(bytes, mark)) this.#decoder = new TextDecoder(encoding, { fatal: true });
    }
    return this.#decoded(bytes, more);
  }

  #decoded(bytes: Uint8Array, more: boolean): Uint8Array {
    if (!this.#decoder) return bytes;
    try {
      return Buffer.from(this.#decoder.decode(bytes, { stream: more }));
    } catch (error) {
      throw new FileError(
        'damaged',
        'is not valid UTF-16, as its byte order mark says it is',
        'copy it again, or convert it to UTF-8',
        { cause: error },
      );
    }
  }
}

/** The same of a stream of pieces. */
export async function* asUtf8(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = new Utf8Stream();
  for await (const chunk of chunks) {
    const bytes = stream.push(chunk);
    if (bytes.length > 0) yield bytes;
  }
  const rest = stream.end();
  if (rest.length > 0) yield rest;
}
