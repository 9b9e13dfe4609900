import { createHash, type Hash } from 'node:crypto';
import { characterCut, safeCut } from './cut.ts';
import type { Separator } from './separator.ts';

/** A document, or a part of one that is too long to be held. */
export interface Segment {
  readonly bytes: Uint8Array;
  /** Where it begins in the text of the file. */
  readonly offset: number;
  /** Whether it begins a document. */
  readonly first: boolean;
  /** Whether it ends one. */
  readonly last: boolean;
  /** Of the document that ends here, where it came in several parts. */
  readonly sha256?: string;
}

/** Documents up to twice this size stay whole; parts of longer ones are about this large. */
export const segmentBytes = 1 << 20;
const longestWhole = 2 * segmentBytes;
/** A single word beyond this is cut between any two of its characters. */
const longestWord = 8 * segmentBytes;

/**
 * Cuts a stream of UTF-8 text into documents, and long documents into parts whose tokens together are those of the whole.
 * It holds little of the stream at any time.
 */
export class Cutter {
  /** How many separators have been met. */
  separators = 0;
  readonly #separator: Separator | undefined;
  #held: Buffer = Buffer.alloc(0);
  /** Where what is held begins in the text. */
  #offset = 0;
  /** Of the document that is under way, when a part of it has been handed out. */
  #hash: Hash | undefined;
  /** What is held before this holds no separator. */
  #searched = 0;

  /** @param separator between documents, of which it is no part; absent: the text is one document */
  constructor(separator?: Separator) {
    this.#separator = separator;
  }

  /** @yields what can be cut off already */
  *push(chunk: Uint8Array): Generator<Segment> {
    this.#held =
      this.#held.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.#held, chunk]);
    yield* this.#separated(false);
    yield* this.#parts(this.#separator ? this.#searched : this.#held.length);
  }

  *end(): Generator<Segment> {
    yield* this.#separated(true);
    if (this.#held.length > 0 || this.#hash) yield* this.#rest(this.#held.length);
  }

  /** Documents that end within what is held. */
  *#separated(isEnd: boolean): Generator<Segment> {
    if (!this.#separator) return;
    for (;;) {
      const found = this.#separator.find(this.#held, this.#searched, isEnd);
      if (typeof found === 'number') {
        this.#searched = found;
        return;
      }
      this.separators++;
      const length = found.end - found.begin;
      // Nothing between two separators is no document.
      if (found.begin > 0 || this.#hash) yield* this.#rest(found.begin);
      this.#held = this.#held.subarray(length);
      this.#offset += length;
      this.#searched = 0;
    }
  }

  /** What is left of a document that ends at a place. */
  *#rest(end: number): Generator<Segment> {
    const left = yield* this.#parts(end);
    yield this.#take(left, true);
  }

  /** Parts of a document of which so much is known to belong to it. @returns how much is left */
  *#parts(known: number): Generator<Segment, number> {
    let left = known;
    while (left > longestWhole) {
      const cut = this.#partEnd(left);
      if (cut < 0) break;
      yield this.#take(cut, false);
      left -= cut;
    }
    return left;
  }

  /** Where the next part of a document ends; -1 when more of it has to be seen. */
  #partEnd(known: number): number {
    // The character behind a cut is looked at, too: it has up to four bytes.
    const end = Math.min(known - 4, longestWord);
    const near = safeCut(this.#held, 0, Math.min(end, segmentBytes));
    if (near > 0) return near;
    const far = safeCut(this.#held, 0, end);
    if (far > 0) return far;
    return known > longestWord ? characterCut(this.#held, 0, longestWord) : -1;
  }

  #take(end: number, last: boolean): Segment {
    const bytes = this.#held.subarray(0, end);
    this.#held = this.#held.subarray(end);
    this.#searched = Math.max(0, this.#searched - end);
    const [offset, first] = [this.#offset, this.#hash === undefined];
    this.#offset += end;
    if (first && last) return { bytes, offset, first, last };
    this.#hash ??= createHash('sha256');
    this.#hash.update(bytes);
    if (!last) return { bytes, offset, first, last };
    const sha256 = this.#hash.digest('hex');
    this.#hash = undefined;
    return { bytes, offset, first, last, sha256 };
  }
}
