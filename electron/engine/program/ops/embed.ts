import { defineOp, read, sum, write } from '../declare.ts';
import { emitInto } from '../gradients.ts';

const embedBackward = defineOp({
  kind: 'embedBackward',
  formula: 'dwte[token] += dx, dwpe[position] += dx',
  args: {
    dx: read('batch*time width'),
    tokens: read('batch time', 'i32'),
    dwte: sum('paddedVocab width'),
    dwpe: sum('context width'),
  },
  attrs: [],
  flops: (d) => 2 * d.batch! * d.time! * d.width!,
  bytes: (d) => 4 * d.batch! * d.time! * (5 * d.width! + 1),
});

/** Token and position embedding; `position` is the position of the first column of `tokens`. */
export const embed = defineOp({
  kind: 'embed',
  formula: 'x = wte[token] + wpe[position + column]',
  args: {
    tokens: read('batch time', 'i32'),
    position: read('1', 'i32'),
    wte: read('paddedVocab width'),
    wpe: read('context width'),
    x: write('batch*time width'),
  },
  attrs: [],
  flops: (d) => d.batch! * d.time! * d.width!,
  bytes: (d) => 4 * d.batch! * d.time! * (3 * d.width! + 1),
  gradient(g, { args: { tokens, wte, wpe, x } }) {
    emitInto(g, embedBackward, { dx: g.of(x!), tokens }, { dwte: wte, dwpe: wpe });
  },
});
