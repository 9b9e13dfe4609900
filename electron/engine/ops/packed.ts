import { type Dims, defineOp, read, write } from '../program/declare.ts';
import { checkGroups, gpuMaxRowKeys } from './attention.ts';

// Several pieces of text packed into one row of tokens: nothing is padded, and what several pieces begin with is there once.

/** As `embed`, with a position for each token. */
export const embedPacked = defineOp({
  kind: 'embedPacked',
  formula: 'x = wte[token] + wpe[positions]',
  args: {
    tokens: read('~rows', 'i32'),
    positions: read('rows', 'i32'),
    wte: read('paddedVocab width', 'real'),
    wpe: read('context width', 'real'),
    x: write('rows width', 'real'),
  },
  attrs: [],
  multipliesMatrices: false,
  flops: (d) => d.rows! * d.width!,
});

/**
 * Attention of each token to two stretches of tokens: `spans` has, for token i, the begin and the end (excluded) of a
 * stretch before, such as a prompt, and where the token's own stretch begins, which it sees up to itself.
 */
export const packedAttention = defineOp({
  kind: 'packedAttention',
  formula: 'y = softmax(q kᵀ / √headDim) v over keys spans[0] … spans[1] - 1 and spans[2] … i',
  args: {
    qkv: read('rows width+2*kvWidth', 'real'),
    spans: read('rows 3', 'i32'),
    y: write('rows width', 'real'),
  },
  attrs: ['heads'],
  // An upper bound: what tokens see is not known before they are.
  multipliesMatrices: true,
  flops: (d: Dims) => 2 * d.width! * d.rows! * (d.rows! + 1),
  check(d, { heads }) {
    if (d.width! % heads! !== 0) return `${d.width} columns are not divided by ${heads} heads`;
    const groups = checkGroups({ heads: heads!, kvHeads: (d.kvWidth! * heads!) / d.width! });
    if (groups) return groups;
    return d.rows! <= maxPackedRows ? undefined : `${d.rows} rows are more than ${maxPackedRows}`;
  },
  limits: {
    gpu: ({ dims }) => (dims.rows! > gpuMaxRowKeys ? `more than ${gpuMaxRowKeys} rows are packed` : undefined),
  },
});

/** So many scores have room in a worker's scratch memory. */
const maxPackedRows = 65536;

/** Some rows of a matrix, in any order. */
export const selectRows = defineOp({
  kind: 'selectRows',
  formula: 'y[i] = x[index[i]]',
  args: { x: read('sourceRows width', 'real'), index: read('rows', 'i32'), y: write('rows width', 'real') },
  attrs: [],
  multipliesMatrices: false,
  flops: () => 0,
  bytes: (d) => 4 * d.rows! * (2 * d.width! + 1),
});
