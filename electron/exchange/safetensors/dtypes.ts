/** Element types of a safetensors file and how their elements are held in memory. Files and hosts are little-endian. */
const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  F8_E4M3: Uint8Array,
  F8_E5M2: Uint8Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export type Dtype = keyof typeof arrays;

/** The typed array that holds a tensor of a dtype; half-precision and 8-bit floats are held as their raw bits. */
export type ArrayOf<D extends Dtype = Dtype> = InstanceType<(typeof arrays)[D]>;

export const dtypes = Object.keys(arrays) as readonly Dtype[];

export const isDtype = (value: unknown): value is Dtype => typeof value === 'string' && Object.hasOwn(arrays, value);

export const bytesPerElement = (dtype: Dtype): number => arrays[dtype].BYTES_PER_ELEMENT;

/** Views a whole buffer as elements of a dtype. */
export function arrayOver(dtype: Dtype, buffer: ArrayBuffer): ArrayOf {
  return new arrays[dtype](buffer);
}

/**
 * Bytes of a tensor, or null where a dimension is no whole number from 0 up or the product leaves the exact range of
 * a double (2^53).
 */
export function byteLengthOf(dtype: Dtype, shape: readonly unknown[]): number | null {
  let bytes = bytesPerElement(dtype);
  for (const dim of shape) {
    if (typeof dim !== 'number' || !Number.isSafeInteger(dim) || dim < 0 || Object.is(dim, -0)) return null;
    bytes *= dim;
    if (!Number.isSafeInteger(bytes)) return null;
  }
  return bytes;
}
