import {
  dequantizeBlocks,
  dequantizeRankOne,
  maps,
  pack4,
  quantizeBlocks,
  quantizeRankOne,
  unpack4,
} from '../../../optimizers/quantize.ts';
import type { Tensor } from '../backend.ts';
import type { Given, Handler } from '../handler.ts';
import { adamwStep } from './update.ts';

const bytes = (t: Tensor): Uint8Array => Uint8Array.from(t.dataSync());
const floats = (t: Tensor): Float32Array => Float32Array.from(t.dataSync());

/** New values of a low-bit update's arguments; in a step whose gradient is not finite they stay. */
function update(
  { tf, arg }: Given,
  attrs: Given['attrs'],
  decode: () => { m: Float32Array; v: Float32Array },
  encode: (m: Float32Array, v: Float32Array) => Record<string, Uint8Array | Float32Array>,
): Record<string, Tensor> {
  const names = ['p', 'mCodes', 'mScale', 'vCodes', 'vScale'];
  if (arg('stats').dataSync()[2] !== 0) return Object.fromEntries(names.map((n) => [n, arg(n).clone()]));
  const { shape } = arg('p');
  const old = decode();
  const tensor = (values: Float32Array) => tf.tensor(values, shape);
  const now = adamwStep(arg, attrs, tensor(old.m), tensor(old.v));
  const states = Object.entries(encode(floats(now.m), floats(now.v))).map(([name, values]) => {
    return [name, tf.tensor(values, arg(name).shape, values instanceof Uint8Array ? 'int32' : 'float32')];
  });
  return { p: now.p, ...Object.fromEntries(states) };
}

const adamw8bit: Handler = (given) => {
  const { arg, attrs } = given;
  const root = attrs.root === 1;
  const blocks = (name: string) => ({ codes: bytes(arg(`${name}Codes`)), scale: floats(arg(`${name}Scale`)) });
  return update(
    given,
    attrs,
    () => {
      const second = dequantizeBlocks(blocks('v'), 256, maps.unsigned8);
      return { m: dequantizeBlocks(blocks('m'), 256, maps.signed8), v: root ? second.map((x) => x * x) : second };
    },
    (m, v) => {
      const first = quantizeBlocks(m, 256, maps.signed8, true);
      const second = quantizeBlocks(root ? v.map(Math.sqrt) : v, 256, maps.unsigned8);
      return { mCodes: first.codes, mScale: first.scale, vCodes: second.codes, vScale: second.scale };
    },
  );
};

const adamw4bit: Handler = (given) => {
  const { arg, attrs, dims } = given;
  const { rows } = attrs as { rows: number };
  const n = dims.elements!;
  const codes = (name: string) => unpack4(bytes(arg(name)), n);
  return update(
    given,
    attrs,
    () => {
      const second = { codes: codes('vCodes'), scale: floats(arg('vScale')) };
      return {
        m: dequantizeBlocks({ codes: codes('mCodes'), scale: floats(arg('mScale')) }, 128, maps.signed4),
        v: rows > 0 ? dequantizeRankOne(second, rows, maps.unsigned4) : dequantizeBlocks(second, 128, maps.unsigned4),
      };
    },
    (m, v) => {
      const first = quantizeBlocks(m, 128, maps.signed4);
      const second = rows > 0 ? quantizeRankOne(v, rows, maps.unsigned4) : quantizeBlocks(v, 128, maps.unsigned4);
      return {
        mCodes: pack4(first.codes),
        mScale: first.scale,
        vCodes: pack4(second.codes),
        vScale: second.scale,
      };
    },
  );
};

const parts = ['MCodes', 'MScale', 'VCodes', 'VScale'];
const inWindow = (part: string) => `${part[0]!.toLowerCase()}${part.slice(1)}`;

const pageIn: Handler = ({ arg }) => Object.fromEntries(parts.map((p) => [inWindow(p), arg(`host${p}`).clone()]));
const pageOut: Handler = ({ arg }) => Object.fromEntries(parts.map((p) => [`host${p}`, arg(inWindow(p)).clone()]));

export const lowBitHandlers = { adamw8bit, adamw4bit, pageIn, pageOut };
