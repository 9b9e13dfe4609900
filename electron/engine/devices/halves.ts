import { bf16FromFloat32, f16FromFloat32, float32FromBf16, float32FromF16 } from '../../exchange/safetensors/index.ts';
import type { DType, Precision } from '../program/types.ts';

export const isHalf = (dtype: DType): dtype is 'bf16' | 'f16' => dtype === 'bf16' || dtype === 'f16';

/** The bits of values in half precision, each rounded to the nearest, ties to even. */
export const toHalves = (values: Float32Array, dtype: 'bf16' | 'f16'): Uint16Array<ArrayBuffer> =>
  dtype === 'bf16' ? bf16FromFloat32(values) : f16FromFloat32(values);

/** The values of bits in half precision. */
export const fromHalves = (bits: Uint16Array, dtype: 'bf16' | 'f16'): Float32Array<ArrayBuffer> =>
  dtype === 'bf16' ? float32FromBf16(bits) : float32FromF16(bits);

/** Values as a precision holds them. */
export const rounded = (values: Float32Array, precision: Precision): Float32Array =>
  precision === 'f32' ? values : fromHalves(toHalves(values, precision), precision);
