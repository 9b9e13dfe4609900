import type { Parameter } from '../models/parameters.ts';
import { countsOf, defineOp, read, update } from '../program/declare.ts';
import { type Buffer, elements } from '../program/types.ts';
import { adamwAttrs, adamwFamily, attrsOf, float32States } from './adamw.ts';
import { keepsFewBits } from './lowBit.ts';
import { defineOptimizer, type ParameterStates } from './optimizer.ts';
import {
  dequantizeBlocks,
  dequantizeRankOne,
  maps,
  pack4,
  quantizeBlocks,
  quantizeRankOne,
  unpack4,
} from './quantize.ts';

/** Elements that share a scale. */
const block = 128;

/** Tensors with fewer elements keep float32 moments, as lpmm has it. */
const fewest = 4097;

/** Chunks of rows in which column maxima are taken: fixed, so that workspace is planned. */
const rankOneChunks = 64;

/**
 * AdamW with 4-bit moments (Li, Chen & Zhu 2023): two codes a byte. m has a scale for each block of 128 elements; so has v
 * of a vector (`rows` 0). v of a matrix of `rows` rows has one for each row and, behind them, one for each column: the
 * smaller one counts.
 */
export const adamw4bitOp = defineOp({
  kind: 'adamw4bit',
  formula: 'p, m, v as adamw; m ≈ map[mCodes]·mScale, v ≈ map[vCodes]·min(row scale, column scale)',
  args: {
    p: update('~elements'),
    g: read('~elements'),
    mCodes: update('bytes', 'u8'),
    mScale: update('blocks'),
    vCodes: update('bytes', 'u8'),
    vScale: update('scales'),
    stats: read('4'),
    scalars: read('8'),
  },
  attrs: [...adamwAttrs, 'rows'],
  check(d, { rows }) {
    const [n, blocks] = [d.elements!, Math.ceil(d.elements! / block)];
    if (rows! > 0 && n % rows! !== 0) return `${rows} rows do not divide ${n} elements`;
    const scales = rows! > 0 ? rows! + n / rows! : blocks;
    return countsOf({ bytes: [d.bytes!, Math.ceil(n / 2)], blocks: [d.blocks!, blocks], scales: [d.scales!, scales] });
  },
  multipliesMatrices: false,
  flops: (d) => 30 * d.elements!,
  workspace: (d, { rows }) => (rows! > 0 ? d.scales! + rankOneChunks * (d.scales! - rows!) : 0),
  constants: { block4: block, rankOneChunks },
  fused: 'updates',
});

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
      const attrs = { ...attrsOf(settings, parameter), rows };
      r.emit(adamw4bitOp, { p, g, mCodes, mScale, vCodes, vScale, stats, scalars }, attrs);
    },
    decode(values) {
      const [mCodes, mScale, vCodes, vScale] = values as [Uint8Array, Float32Array, Uint8Array, Float32Array];
      const v = { codes: unpack4(vCodes, n), scale: vScale };
      return {
        m: dequantizeBlocks({ codes: unpack4(mCodes, n), scale: mScale }, block, maps.signed4),
        v: rows > 0 ? dequantizeRankOne(v, rows, maps.unsigned4) : dequantizeBlocks(v, block, maps.unsigned4),
      };
    },
    encode({ m, v }) {
      const first = quantizeBlocks(m, block, maps.signed4);
      const second = rows > 0 ? quantizeRankOne(v, rows, maps.unsigned4) : quantizeBlocks(v, block, maps.unsigned4);
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

export const adamw4bit = defineOptimizer({
  ...adamwFamily,
  kind: 'adamw4bit',
  label: 'AdamW 4-bit',
  keptIn: '4 bits',
  compactness: 2,
  lowBit: true,
  states: (parameters, lowBit) => ({
    all: parameters.map((parameter) =>
      keepsFewBits(parameter, lowBit, fewest) ? bits4States(parameter) : float32States(parameter),
    ),
  }),
});
