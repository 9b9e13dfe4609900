import { defineOp, read, sum, write } from '../program/declare.ts';
import { emitInto } from '../program/gradients.ts';
import { bytesPerElement } from '../program/types.ts';

const embedTokensBackward = defineOp({
  kind: 'embedTokensBackward',
  formula: 'dwte[token] += dx',
  args: {
    dx: read('rows width', 'real'),
    tokens: read('~rows', 'i32'),
    dwte: sum('paddedVocab width'),
  },
  attrs: [],
  multipliesMatrices: false,
  flops: (d) => d.rows! * d.width!,
  bytes: (d, precision) => d.rows! * ((bytesPerElement[precision] + 8) * d.width! + 4),
});

/** Token embedding alone, for models whose positions come in elsewhere. */
export const embedTokens = defineOp({
  kind: 'embedTokens',
  formula: 'x = wte[token]',
  args: {
    tokens: read('~rows', 'i32'),
    wte: read('paddedVocab width', 'real'),
    x: write('rows width', 'real'),
  },
  attrs: [],
  multipliesMatrices: false,
  flops: () => 0,
  bytes: (d, precision) => d.rows! * (2 * bytesPerElement[precision] * d.width! + 4),
  gradient(g, { args: { tokens, wte, x } }) {
    emitInto(g, embedTokensBackward, { dx: g.of(x!), tokens }, { dwte: wte });
  },
});
