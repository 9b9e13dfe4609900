/**
 * Quantization of optimizer states on the host: to carry them from one optimizer to another, and as the reference that
 * the devices' kernels are tested against.
 */

/** Sorted values that codes stand for. */
export type QuantizationMap = Float64Array;

/** Dynamic tree quantization (Dettmers et al. 2022, section 2.1): decades of evenly spaced values, 0 and 1. */
function dynamicMap(signed: boolean, bits: number): QuantizationMap {
  const exponents = bits - 1;
  const values = [0, 1];
  for (let i = 0; i < exponents; i++) {
    const parts = 2 ** (i + (signed ? 0 : 1));
    for (let k = 0; k < parts; k++) {
      const value = (0.1 + (0.9 * (k + 0.5)) / parts) * 10 ** (i - exponents + 1);
      values.push(value);
      if (signed) values.push(-value);
    }
  }
  return Float64Array.from(values).sort();
}

export const maps = {
  signed8: dynamicMap(true, 8),
  unsigned8: dynamicMap(false, 8),
  signed4: dynamicMap(true, 4),
  /** Zero is not in it (Li, Chen & Zhu 2023): a second moment of 0 would make a step infinite. */
  unsigned4: Float64Array.from({ length: 16 }, (_, k) => (k + 1) / 16),
} as const;

/** The index of the nearest value; a tie goes to the lower one. */
export function nearest(map: QuantizationMap, x: number): number {
  let low = 0;
  let high = map.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((map[middle]! + map[middle + 1]!) / 2 < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Blocks {
  /** One code an element. */
  readonly codes: Uint8Array;
  /** The largest magnitude of each block. */
  readonly scale: Float32Array;
}

/**
 * Codes of a flattened tensor with a scale for each block of `size` elements.
 * @param keepSign a negative value is never coded as 0
 */
export function quantizeBlocks(x: ArrayLike<number>, size: number, map: QuantizationMap, keepSign = false): Blocks {
  const codes = new Uint8Array(x.length);
  const scale = new Float32Array(Math.ceil(x.length / size));
  for (let block = 0; block < scale.length; block++) {
    const end = Math.min(x.length, (block + 1) * size);
    let max = 0;
    for (let i = block * size; i < end; i++) max = Math.max(max, Math.abs(x[i]!));
    scale[block] = max;
    for (let i = block * size; i < end; i++) {
      const code = nearest(map, max === 0 ? 0 : x[i]! / max);
      codes[i] = keepSign && x[i]! < 0 && map[code] === 0 ? code - 1 : code;
    }
  }
  return { codes, scale };
}

export function dequantizeBlocks({ codes, scale }: Blocks, size: number, map: QuantizationMap): Float32Array {
  return Float32Array.from(codes, (code, i) => map[code]! * scale[Math.floor(i / size)]!);
}

/** Codes of a matrix whose element (i, j) is scaled by the smaller of its row's and its column's largest (Li et al. 2023). */
export function quantizeRankOne(x: ArrayLike<number>, rows: number, map: QuantizationMap): Blocks {
  const columns = x.length / rows;
  const scale = new Float32Array(rows + columns);
  for (let i = 0; i < x.length; i++) {
    const [row, column] = [Math.floor(i / columns), rows + (i % columns)];
    scale[row] = Math.max(scale[row]!, Math.abs(x[i]!));
    scale[column] = Math.max(scale[column]!, Math.abs(x[i]!));
  }
  const codes = Uint8Array.from({ length: x.length }, (_, i) => {
    const by = rankOneScale(scale, rows, columns, i);
    return nearest(map, by === 0 ? 0 : x[i]! / by);
  });
  return { codes, scale };
}

export function dequantizeRankOne({ codes, scale }: Blocks, rows: number, map: QuantizationMap): Float32Array {
  const columns = codes.length / rows;
  return Float32Array.from(codes, (code, i) => map[code]! * rankOneScale(scale, rows, columns, i));
}

const rankOneScale = (scale: Float32Array, rows: number, columns: number, i: number): number =>
  Math.min(scale[Math.floor(i / columns)]!, scale[rows + (i % columns)]!);

/** Two codes a byte, the even one in the lower half. */
export function pack4(codes: Uint8Array): Uint8Array {
  return Uint8Array.from(
    { length: Math.ceil(codes.length / 2) },
    (_, i) => codes[2 * i]! | ((codes[2 * i + 1] ?? 0) << 4),
  );
}

/** @param n how many codes there are */
export function unpack4(bytes: Uint8Array, n: number): Uint8Array {
  return Uint8Array.from({ length: n }, (_, i) => (bytes[i >> 1]! >> ((i & 1) * 4)) & 15);
}
