import { philox4x32 } from '../../../base/rng/philox.ts';

/**
 * What dropout multiplies each of `count` elements by: 0, or 1/(1 - p). Element i takes word i mod 4 of the Philox4x32-10
 * block with counter (⌊i/4⌋ low, stream, micro-batch low, micro-batch high xor ⌊i/4⌋ high), key (seed low, seed high).
 * @param rng [seed low, seed high, micro-batch low, micro-batch high]
 */
export function keepMask(count: number, attrs: Readonly<Record<string, number>>, rng: Int32Array): Float32Array {
  const p = attrs.dropout!;
  const limit = Math.floor(p * 2 ** 32);
  const scale = 1 / (1 - p);
  const [seedLow, seedHigh, microLow, microHigh] = rng as unknown as [number, number, number, number];
  const words = new Uint32Array(4);
  const mask = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    if (i % 4 === 0) {
      const block = i / 4;
      const high = Math.floor(block / 2 ** 32);
      philox4x32(block >>> 0, attrs.stream!, microLow, microHigh ^ high, seedLow, seedHigh, words);
    }
    mask[i] = words[i % 4]! >= limit ? scale : 0;
  }
  return mask;
}
