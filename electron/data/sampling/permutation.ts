/** A mix of 32-bit words (the finalizer of MurmurHash3): each bit of the input reaches each bit of the output. */
function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A 32-bit hash of some whole numbers below 2⁵³. */
export function hashOf(...numbers: readonly number[]): number {
  let h = 0x9e3779b9;
  for (const n of numbers) {
    h = mix(h ^ (n >>> 0)) + 0x7f4a7c15;
    h = mix(h ^ (Math.floor(n / 2 ** 32) >>> 0)) + 0x7f4a7c15;
  }
  return mix(h);
}

const rounds = 6;

/**
 * Element `index` of a random permutation of 0 … size - 1, without a table: a Feistel network over the next even power of
 * two, walked until it lands inside (Black & Rogaway 2002).
 * @param size at most 2³²
 */
export function permuted(index: number, size: number, key: number): number {
  let half = 1;
  while (4 ** half < size) half++;
  const mask = 2 ** half - 1;
  let x = index;
  do {
    let left = Math.floor(x / 2 ** half);
    let right = x & mask;
    for (let round = 0; round < rounds; round++) {
      const next = (left ^ mix(right ^ mix(key + round))) & mask;
      left = right;
      right = next;
    }
    x = left * 2 ** half + right;
  } while (x >= size);
  return x;
}
