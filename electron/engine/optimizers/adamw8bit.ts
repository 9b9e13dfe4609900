import type { Parameter } from '../models/parameters.ts';
import { countsOf, defineOp, read, update } from '../program/declare.ts';
import type { Recorder } from '../program/recorder.ts';
import { type Buffer, elements } from '../program/types.ts';
import { adamwAttrs, adamwFamily, attrsOf, float32States } from './adamw.ts';
import { keepsFewBits, type LowBitStates } from './lowBit.ts';
import { defineOptimizer, type ParameterStates, type UpdateInputs } from './optimizer.ts';
import { dequantizeBlocks, maps, quantizeBlocks } from './quantize.ts';

/** Elements that share a scale. */
const block = 256;

/** Tensors with fewer elements keep float32 moments, as bitsandbytes has it. */
const fewest = 4096;

/** Scales of a tensor's moments. */
export const blocksOf = (n: number): number => Math.ceil(n / block);

/**
 * AdamW with 8-bit moments (Dettmers et al. 2022): codes of the dynamic maps, a scale for each block of 256 elements.
 * The update uses the exact new moments; only what is kept is rounded. With `root` 1 codes and scales of the second moment are
 * those of its square root, which is what a step divides by: they reach twice as many decades down, and round it less.
 */
export const adamw8bitOp = defineOp({
  kind: 'adamw8bit',
  formula: 'p, m, v as adamw; m ≈ map[mCodes]·mScale, v ≈ map[vCodes]·vScale or its square',
  args: {
    p: update('~elements'),
    g: read('~elements'),
    mCodes: update('~elements', 'u8'),
    mScale: update('blocks'),
    vCodes: update('~elements', 'u8'),
    vScale: update('blocks'),
    stats: read('4'),
    scalars: read('8'),
  },
  attrs: [...adamwAttrs, 'root'],
  check: (d, { root }) =>
    root === 0 || root === 1 ? countsOf({ blocks: [d.blocks!, blocksOf(d.elements!)] }) : `root is ${root}, not 0 or 1`,
  multipliesMatrices: false,
  flops: (d) => 24 * d.elements!,
  constants: { block8: block },
  fused: 'updates',
});

/** The codes of 0. */
const zero = { signed: maps.signed8.indexOf(0), unsigned: maps.unsigned8.indexOf(0) };

/** The arguments of an 8-bit update that hold the moments. */
export const bits8Parts = ['mCodes', 'mScale', 'vCodes', 'vScale'] as const;
export type Bits8Buffers = Record<(typeof bits8Parts)[number], Buffer>;

export interface Bits8States extends ParameterStates {
  readonly buffers: Bits8Buffers;
  /** Whether codes and scales of second moments are those of their square root. */
  readonly root: boolean;
}

/** Emits an update whose moments lie in the given buffers: the states themselves, or windows into them. */
export function recordBits8(
  r: Recorder,
  { parameter, root }: Pick<Bits8States, 'parameter' | 'root'>,
  buffers: Bits8Buffers,
  { settings, stats, scalars }: UpdateInputs,
): void {
  const { value: p, gradient: g } = parameter;
  const attrs = { ...attrsOf(settings, parameter), root: root ? 1 : 0 };
  r.emit(adamw8bitOp, { p, g, ...buffers, stats, scalars }, attrs);
}

/**
 * Both moments in 8 bits (Dettmers et al. 2022): 2 bytes an element and 8 bytes a block.
 * @param role `paged`: kept in host memory
 * @param root whether second moments are coded by their square root: a block then holds 13 decades of them rather than 6.5
 */
export function bits8States(
  parameter: Parameter,
  role: 'optimizer' | 'paged' = 'optimizer',
  root = false,
): Bits8States {
  const { name, shape } = parameter.spec;
  const n = elements(shape);
  const codes = (of: string): Buffer => ({ name: `${of}.${name}.codes`, shape: [n], dtype: 'u8', role });
  const scale = (of: string): Buffer => {
    return { name: `${of}.${name}.scale`, shape: [Math.ceil(n / block)], dtype: 'f32', role };
  };
  const buffers = { mCodes: codes('m'), mScale: scale('m'), vCodes: codes('v'), vScale: scale('v') };
  return {
    parameter,
    format: root ? 'bits8root' : 'bits8',
    buffers,
    root,
    tensors: bits8Parts.map((part) => ({
      name: buffers[part].name,
      buffer: buffers[part],
      fileShape: buffers[part].shape,
    })),
    record: (r, inputs) => recordBits8(r, { parameter, root }, buffers, inputs),
    decode(values) {
      const [mCodes, mScale, vCodes, vScale] = values as [Uint8Array, Float32Array, Uint8Array, Float32Array];
      const second = dequantizeBlocks({ codes: vCodes, scale: vScale }, block, maps.unsigned8);
      return {
        m: dequantizeBlocks({ codes: mCodes, scale: mScale }, block, maps.signed8),
        v: root ? second.map((x) => x * x) : second,
      };
    },
    encode({ m, v }) {
      const first = quantizeBlocks(m, block, maps.signed8, true);
      const second = quantizeBlocks(root ? v.map(Math.sqrt) : v, block, maps.unsigned8);
      return [first.codes, first.scale, second.codes, second.scale];
    },
    countLost(values) {
      const [mCodes, mScale, vCodes, vScale] = values as [Uint8Array, Float32Array, Uint8Array, Float32Array];
      let lost = 0;
      for (const [k, scale] of mScale.entries()) {
        if (scale === 0) continue;
        const allZero = vScale[k] === 0;
        const end = Math.min(mCodes.length, (k + 1) * block);
        for (let i = k * block; i < end; i++)
          if (mCodes[i] !== zero.signed && (allZero || vCodes[i] === zero.unsigned)) lost++;
      }
      return lost;
    },
  };
}

/** States of every parameter: in 8 bits where they are kept in few, else in float32. */
export const bits8OrFloat32 = (
  parameters: readonly Parameter[],
  lowBit: LowBitStates,
  role: 'optimizer' | 'paged',
): (Bits8States | ParameterStates)[] =>
  parameters.map((parameter) =>
    keepsFewBits(parameter, lowBit, fewest)
      ? bits8States(parameter, role, lowBit === 'stable')
      : float32States(parameter),
  );

export const adamw8bit = defineOptimizer({
  ...adamwFamily,
  kind: 'adamw8bit',
  label: 'AdamW 8-bit',
  keptIn: '8 bits',
  compactness: 1,
  lowBit: true,
  states: (parameters, lowBit) => ({ all: bits8OrFloat32(parameters, lowBit, 'optimizer') }),
});
