/**
 * IEEE 754 binary16 (`F16`) and bfloat16 (`BF16`) to and from float32, on raw bits so that NaN payloads and signed
 * zeros pass unchanged. Narrowing rounds to nearest, ties to even; what is too large becomes infinity; a NaN stays a NaN
 * (made quiet, upper payload bits kept, as processors do).
 */

/** Bits of a float32 → bits of a binary16. */
function f16FromBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const mantissa = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200 | (mantissa >>> 13));
  const e = exponent - 112; // float32's bias is 127, binary16's 15
  if (e >= 31) return sign | 0x7c00;
  // Below 2^-14 the leading one becomes explicit and the mantissa shifts further right; below 2^-25 all of it is lost.
  const significand = e > 0 ? mantissa : mantissa | 0x800000;
  const shift = e > 0 ? 13 : 14 - e;
  if (shift > 24) return sign;
  const kept = (e > 0 ? e << 10 : 0) + (significand >>> shift);
  const rest = significand & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  // A carry out of the mantissa runs into the exponent, up to infinity: exactly what rounding asks for.
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
}

/** Bits of a binary16 → bits of the float32 of the same value. */
function bitsFromF16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (mantissa << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13);
  if (mantissa === 0) return sign;
  const lead = 31 - Math.clz32(mantissa); // subnormal: value = mantissa · 2^-24
  return sign | ((lead + 103) << 23) | ((mantissa << (23 - lead)) & 0x7fffff);
}

function bf16FromBits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits >>> 0) + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

function narrow(values: Float32Array, convert: (bits: number) => number): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(values);
  const out = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = convert(bits[i]!);
  return out;
}

function widen(halves: Uint16Array, convert: (half: number) => number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(halves.length);
  const bits = bitsOf(out);
  for (let i = 0; i < halves.length; i++) bits[i] = convert(halves[i]!);
  return out;
}

/** float32 → binary16 bits. */
export const f16FromFloat32 = (values: Float32Array) => narrow(values, f16FromBits);

/** binary16 bits → float32, exact. */
export const float32FromF16 = (halves: Uint16Array) => widen(halves, bitsFromF16);

/** float32 → bfloat16 bits. */
export const bf16FromFloat32 = (values: Float32Array) => narrow(values, bf16FromBits);

/** bfloat16 bits → float32, exact. */
export const float32FromBf16 = (halves: Uint16Array) => widen(halves, (half) => half << 16);

export const isHalf = (dtype: string): dtype is 'bf16' | 'f16' => dtype === 'bf16' || dtype === 'f16';

/** The bits of values in half precision, each rounded to the nearest, ties to even. */
export const toHalves = (values: Float32Array, dtype: 'bf16' | 'f16'): Uint16Array<ArrayBuffer> =>
  dtype === 'bf16' ? bf16FromFloat32(values) : f16FromFloat32(values);

/** The values of bits in half precision. */
export const fromHalves = (bits: Uint16Array, dtype: 'bf16' | 'f16'): Float32Array<ArrayBuffer> =>
  dtype === 'bf16' ? float32FromBf16(bits) : float32FromF16(bits);

/** Values as a precision holds them. */
export const rounded = (values: Float32Array, precision: 'f32' | 'bf16' | 'f16'): Float32Array =>
  precision === 'f32' ? values : fromHalves(toHalves(values, precision), precision);
