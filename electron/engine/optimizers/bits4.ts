import type { Parameter } from '../gpt2/parameters.ts';
import { adamw4bit } from '../program/ops/index.ts';
import { type Buffer, elements } from '../program/types.ts';
import {
  dequantiseBlocks,
  dequantiseRankOne,
  maps,
  pack4,
  quantiseBlocks,
  quantiseRankOne,
  unpack4,
} from './quantise.ts';
import { type ParameterStates, updateAttrs } from './states.ts';

/** Elements that share a scale. */
const block = 128;

/**
 * Both moments in 4 bits (Li, Chen & Zhu 2023): 1 byte an element. The second moment of a matrix has a scale for each row
 * and column, that of a vector one for each block, as the first moment of both.
 */
export function bits4States(parameter: Parameter): ParameterStates {
  const { name, shape } = parameter.spec;
  const n = elements(shape);
  const blocks = Math.ceil(n / block);
  const [rows, columns] = shape.length === 2 ? (shape as [number, number]) : [0, 0];
  const buffer = (name: string, size: number, dtype: 'u8' | 'f32'): Buffer => ({
    name,
    shape: [size],
    dtype,
    role: 'optimizer',
  });
  const mCodes = buffer(`m.${name}.codes`, Math.ceil(n / 2), 'u8');
  const mScale = buffer(`m.${name}.scale`, blocks, 'f32');
  const vCodes = buffer(`v.${name}.codes`, Math.ceil(n / 2), 'u8');
  const vScale = buffer(`v.${name}.scale`, rows > 0 ? rows + columns : blocks, 'f32');
  return {
    parameter,
    format: 'bits4',
    tensors: [mCodes, mScale, vCodes, vScale].map((b) => ({ name: b.name, buffer: b, fileShape: b.shape })),
    record(r, { settings, stats, scalars }) {
      const { value: p, gradient: g } = parameter;
      const attrs = { ...updateAttrs(settings, parameter), rows };
      r.emit(adamw4bit, { p, g, mCodes, mScale, vCodes, vScale, stats, scalars }, attrs);
    },
    decode(values) {
      const [mCodes, mScale, vCodes, vScale] = values as [Uint8Array, Float32Array, Uint8Array, Float32Array];
      const v = { codes: unpack4(vCodes, n), scale: vScale };
      return {
        m: dequantiseBlocks({ codes: unpack4(mCodes, n), scale: mScale }, block, maps.signed4),
        v: rows > 0 ? dequantiseRankOne(v, rows, maps.unsigned4) : dequantiseBlocks(v, block, maps.unsigned4),
      };
    },
    encode({ m, v }) {
      const first = quantiseBlocks(m, block, maps.signed4);
      const second = rows > 0 ? quantiseRankOne(v, rows, maps.unsigned4) : quantiseBlocks(v, block, maps.unsigned4);
      return [pack4(first.codes), first.scale, pack4(second.codes), second.scale];
    },
    countLost(values) {
      const [mCodes, mScale, , vScale] = values as [Uint8Array, Float32Array, Uint8Array, Float32Array];
      // No code of a second moment is 0: only a scale can be.
      if (!vScale.includes(0)) return 0;
      const columns = rows > 0 ? n / rows : 0;
      const isZero = (i: number): boolean =>
        rows > 0
          ? vScale[Math.floor(i / columns)] === 0 || vScale[rows + (i % columns)] === 0
          : vScale[Math.floor(i / block)] === 0;
      let lost = 0;
      for (let i = 0; i < n; i++) {
        const code = (mCodes[i >> 1]! >> ((i & 1) * 4)) & 15;
        if (maps.signed4[code] !== 0 && mScale[Math.floor(i / block)] !== 0 && isZero(i)) lost++;
      }
      return lost;
    },
  };
}
