import { cutOff, damaged, FileError } from '../formats/fileError.ts';

/** How far back a match may lie (LZ4 Block Format). */
const windowBytes = 1 << 16;
const [magic, firstSkippable, lastSkippable] = [0x184d2204, 0x184d2a50, 0x184d2a5f];

/**
 * Decompresses LZ4 frames (LZ4 Frame Format 1.6) as their bytes arrive, block by block. Checksums are passed over.
 * @throws FileError for frames that are damaged, or want a dictionary
 */
export class Lz4Stream {
  #held: Uint8Array = new Uint8Array();
  /** Bytes that are to be passed over. */
  #skip = 0;
  #frame: { readonly maxBlock: number; readonly blockSum: boolean; readonly contentSum: boolean } | undefined;
  /** What matches may go back to: the end of the blocks before. */
  #window: Uint8Array = new Uint8Array();

  *push(chunk: Uint8Array): Generator<Uint8Array> {
    this.#held = this.#held.length === 0 ? Uint8Array.from(chunk) : Buffer.concat([this.#held, chunk]);
    for (;;) {
      const skipped = Math.min(this.#skip, this.#held.length);
      this.#skip -= skipped;
      this.#held = this.#held.subarray(skipped);
      if (this.#held.length < 4) return;
      const taken = this.#frame ? this.#block() : this.#header();
      if (!taken) return;
      this.#held = this.#held.subarray(taken.bytes);
      if (taken.out && taken.out.length > 0) yield taken.out;
    }
  }

  /** @throws FileError where more should follow */
  end(): void {
    if (this.#frame || this.#held.length > 0 || this.#skip > 0) throw cutOff();
  }

  get #view(): DataView {
    return new DataView(this.#held.buffer, this.#held.byteOffset, this.#held.length);
  }

  #header(): { bytes: number; out?: Uint8Array } | undefined {
    const said = this.#view.getUint32(0, true);
    if (this.#held.length < 8) return undefined;
    if (said >= firstSkippable && said <= lastSkippable) {
      this.#skip = this.#view.getUint32(4, true);
      return { bytes: 8 };
    }
    if (said !== magic) throw damaged('it is no LZ4 frame');
    const [flags, sizes] = [this.#held[4]!, this.#held[5]!];
    if (flags >> 6 !== 1) throw damaged('an LZ4 frame of another version');
    if (flags & 1)
      throw new FileError('unsupported', 'was compressed by LZ4 with a dictionary', 'decompress it with lz4 -d');
    const bytes = 7 + (flags & 8 ? 8 : 0);
    if (this.#held.length < bytes) return undefined;
    const code = (sizes >> 4) & 7;
    if (code < 4) throw damaged('an LZ4 frame with blocks of no size');
    this.#frame = { maxBlock: 1 << (8 + 2 * code), blockSum: (flags & 16) !== 0, contentSum: (flags & 4) !== 0 };
    this.#window = new Uint8Array();
    return { bytes };
  }

  #block(): { bytes: number; out?: Uint8Array } | undefined {
    const { maxBlock, blockSum, contentSum } = this.#frame!;
    const said = this.#view.getUint32(0, true);
    if (said === 0) {
      this.#frame = undefined;
      this.#skip = contentSum ? 4 : 0;
      return { bytes: 4 };
    }
    const size = said & 0x7fffffff;
    if (size > maxBlock) throw damaged('an LZ4 block that is too large');
    if (this.#held.length < 4 + size) return undefined;
    const block = this.#held.subarray(4, 4 + size);
    const out = said >>> 31 ? Uint8Array.from(block) : this.#decoded(block, maxBlock);
    const both = this.#window.length === 0 ? out : Buffer.concat([this.#window, out]);
    this.#window = both.subarray(Math.max(0, both.length - windowBytes));
    this.#skip = blockSum ? 4 : 0;
    return { bytes: 4 + size, out };
  }

  /** Sequences of literals, and of matches that repeat what came before. */
  #decoded(block: Uint8Array, maxBlock: number): Uint8Array {
    const begin = this.#window.length;
    const out = new Uint8Array(begin + maxBlock);
    out.set(this.#window);
    let at = 0;
    let end = begin;
    const length = (nibble: number): number => {
      let n = nibble;
      if (nibble === 15)
        for (let byte = 255; byte === 255; n += byte) {
          if (at >= block.length) throw damaged('an LZ4 block that ends early');
          byte = block[at++]!;
        }
      return n;
    };
    while (at < block.length) {
      const token = block[at++]!;
      const literals = length(token >> 4);
      if (at + literals > block.length || end + literals > out.length) throw damaged('an LZ4 block that is too long');
      out.set(block.subarray(at, at + literals), end);
      at += literals;
      end += literals;
      if (at === block.length) break;
      const offset = block[at]! | (block[at + 1]! << 8);
      at += 2;
      const match = length(token & 15) + 4;
      if (offset === 0 || offset > end || end + match > out.length) throw damaged('an LZ4 match that lies outside');
      if (offset >= match) out.copyWithin(end, end - offset, end - offset + match);
      else for (let i = 0; i < match; i++) out[end + i] = out[end + i - offset]!;
      end += match;
    }
    return out.subarray(begin, end);
  }
}

/** The content of LZ4 frames that are there as a whole. */
export function lz4Frame(bytes: Uint8Array): Uint8Array {
  const stream = new Lz4Stream();
  const parts = [...stream.push(bytes)];
  stream.end();
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** The same of a stream. */
export async function* withoutLz4(raw: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = new Lz4Stream();
  for await (const chunk of raw) yield* stream.push(chunk);
  stream.end();
}
