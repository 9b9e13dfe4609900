/** Philox4x32-10, a counter-based generator (Salmon et al. 2011): word n of a stream is a pure function of (seed, stream, n). */
import { normalQuantile } from './normal.ts';

const m0 = 0xd2511f53;
const m1 = 0xcd9e8d57;
const w0 = 0x9e3779b9;
const w1 = 0xbb67ae85;

/** The upper 32 bits of an unsigned 32 × 32-bit product, from products of halves. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = Math.imul(aLow, bLow) >>> 0;
  const middle1 = ((Math.imul(aHigh, bLow) >>> 0) + (low >>> 16)) >>> 0;
  const middle2 = ((Math.imul(aLow, bHigh) >>> 0) + (middle1 & 0xffff)) >>> 0;
  return (Math.imul(aHigh, bHigh) + (middle1 >>> 16) + (middle2 >>> 16)) | 0;
}

/** Ten rounds over a counter of four words with a key of two. Writes four random words to `out`. */
export function philox4x32(
  counter0: number,
  counter1: number,
  counter2: number,
  counter3: number,
  key0: number,
  key1: number,
  out: Uint32Array,
): void {
  let c0 = counter0 | 0;
  let c1 = counter1 | 0;
  let c2 = counter2 | 0;
  let c3 = counter3 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(m0, c0);
    const high1 = mulHigh(m1, c2);
    const low0 = Math.imul(m0, c0);
    const low1 = Math.imul(m1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + w0) | 0;
    k1 = (k1 + w1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Random numbers in order, of one stream of a seed. */
export class PhiloxStream {
  readonly #key0: number;
  readonly #key1: number;
  readonly #stream: number;
  readonly #words = new Uint32Array(4);
  #block = 0;
  #used = 4;

  /** @param seed a whole number up to 2⁵³ @param stream a whole number below 2³² */
  constructor(seed: number, stream: number) {
    this.#key0 = seed >>> 0;
    this.#key1 = Math.floor(seed / 2 ** 32) >>> 0;
    this.#stream = stream;
  }

  nextUint32(): number {
    if (this.#used === 4) {
      const high = Math.floor(this.#block / 2 ** 32);
      philox4x32(this.#block >>> 0, this.#stream, 0, high, this.#key0, this.#key1, this.#words);
      this.#block++;
      this.#used = 0;
    }
    return this.#words[this.#used++]!;
  }

  /** Uniform in [0, 1), with 53 random bits. */
  nextFloat(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** Fills `out` with draws of N(0, std²), one random word each. */
  fillNormal(out: Float32Array, std: number): void {
    for (let i = 0; i < out.length; i++) out[i] = std * normalQuantile((this.nextUint32() + 0.5) / 2 ** 32);
  }
}
