import { defineOp, read, sum, write } from '../program/declare.ts';
import { emitInto } from '../program/gradients.ts';
import { bytesPerElement } from '../program/types.ts';

const embedBackward = defineOp({
  kind: 'embedBackward',
  formula: 'dwte[token] += dx, dwpe[position] += dx',
  args: {
    dx: read('batch*time width', 'real'),
    tokens: read('batch time', 'i32'),
    dwte: sum('paddedVocab width'),
    dwpe: sum('context width'),
  },
  attrs: [],
  multipliesMatrices: false,
  flops: (d) => 2 * d.batch! * d.time! * d.width!,
  bytes: (d, precision) => d.batch! * d.time! * ((bytesPerElement[precision] + 16) * d.width! + 4),
});

/** Token and position embedding; `position` is the position of the first column of `tokens`. */
export const embed = defineOp({
  kind: 'embed',
  formula: 'x = wte[token] + wpe[position + column]',
  args: {
    tokens: read('batch time', 'i32'),
    position: read('1', 'i32'),
    wte: read('paddedVocab width', 'real'),
    wpe: read('context width', 'real'),
    x: write('batch*time width', 'real'),
  },
  attrs: [],
  multipliesMatrices: false,
  flops: (d) => d.batch! * d.time! * d.width!,
  bytes: (d, precision) => d.batch! * d.time! * (3 * bytesPerElement[precision] * d.width! + 4),
  gradient(g, { args: { tokens, wte, wpe, x } }) {
    emitInto(g, embedBackward, { dx: g.of(x!), tokens }, { dwte: wte, dwpe: wpe });
  },
});
