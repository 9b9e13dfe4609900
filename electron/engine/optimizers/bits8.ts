import type { Parameter } from '../gpt2/parameters.ts';
import { adamw8bit } from '../program/ops/index.ts';
import type { Recorder } from '../program/recorder.ts';
import { type Buffer, elements } from '../program/types.ts';
import { dequantiseBlocks, maps, quantiseBlocks } from './quantise.ts';
import { type ParameterStates, type UpdateInputs, updateAttrs } from './states.ts';

/** Elements that share a scale. */
const block = 256;

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
  const attrs = { ...updateAttrs(settings, parameter), root: root ? 1 : 0 };
  r.emit(adamw8bit, { p, g, ...buffers, stats, scalars }, attrs);
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
      const second = dequantiseBlocks({ codes: vCodes, scale: vScale }, block, maps.unsigned8);
      return {
        m: dequantiseBlocks({ codes: mCodes, scale: mScale }, block, maps.signed8),
        v: root ? second.map((x) => x * x) : second,
      };
    },
    encode({ m, v }) {
      const first = quantiseBlocks(m, block, maps.signed8, true);
      const second = quantiseBlocks(root ? v.map(Math.sqrt) : v, block, maps.unsigned8);
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
