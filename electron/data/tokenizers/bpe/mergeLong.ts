import { noToken, type Vocabulary } from './vocabulary.ts';

/** Pairs with the one of the lowest rank, the leftmost of several, on top. */
class PairHeap {
  #entries = new Float64Array(1 << 10);
  #size = 0;
  /** Ranks are multiples of it, so that rank and place are one number: a power of two, behind every place. */
  readonly #rankUnit: number;

  /** @param places so many there are: with ranks up to 2^31, 4 million of them are told apart */
  constructor(places: number) {
    this.#rankUnit = 2 ** Math.ceil(Math.log2(places));
  }

  push(rank: number, place: number): void {
    if (this.#size === this.#entries.length) {
      const larger = new Float64Array(2 * this.#size);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    const entries = this.#entries;
    const entry = rank * this.#rankUnit + place;
    let at = this.#size++;
    for (; at > 0;) {
      const parent = (at - 1) >> 1;
      if (entries[parent]! <= entry) break;
      entries[at] = entries[parent]!;
      at = parent;
    }
    entries[at] = entry;
  }

  pop(): { rank: number; place: number } | undefined {
    if (this.#size === 0) return undefined;
    const entries = this.#entries;
    const top = entries[0]!;
    const moved = entries[--this.#size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && entries[child + 1]! < entries[child]!) child++;
      if (entries[child]! >= moved) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = moved;
    const rank = Math.floor(top / this.#rankUnit);
    return { rank, place: top - rank * this.#rankUnit };
  }
}

/** In the place of a token that became part of the one before it. */
const taken = -1;

/**
 * Byte-pair encoding of a long word, in time n log n: tokens are a linked list, pairs a heap in which those that are no
 * more are passed over.
 */
export function mergeLong(vocabulary: Vocabulary, bytes: Uint8Array, begin: number, end: number): Int32Array {
  const n = end - begin;
  /** Of each place where a token begins; `taken` where none does any more. */
  const tokens = new Int32Array(n);
  const next = new Int32Array(n);
  const previous = new Int32Array(n);
  const heap = new PairHeap(n);
  const look = (place: number): void => {
    const follower = next[place]!;
    if (follower === n) return;
    const rank = vocabulary.merged(tokens[place]!, tokens[follower]!);
    if (rank !== noToken) heap.push(rank, place);
  };
  for (let i = 0; i < n; i++) {
    tokens[i] = vocabulary.bytes[bytes[begin + i]!]!;
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  for (let i = 0; i < n; i++) look(i);
  for (let pair = heap.pop(); pair; pair = heap.pop()) {
    const { rank, place } = pair;
    const follower = next[place]!;
    // What the pair was when it was pushed may have become something else.
    if (tokens[place] === taken || follower === n) continue;
    if (vocabulary.merged(tokens[place]!, tokens[follower]!) !== rank) continue;
    tokens[place] = vocabulary.tokenOf[rank]!;
    tokens[follower] = taken;
    next[place] = next[follower]!;
    if (next[place]! < n) previous[next[place]!] = place;
    look(place);
    if (previous[place]! >= 0) look(previous[place]!);
  }
  return tokens.filter((token) => token !== taken);
}
