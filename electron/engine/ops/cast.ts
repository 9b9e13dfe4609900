import { defineOp, read, write } from '../program/declare.ts';

/** Working weights from master weights: each rounded to the nearest, ties to even. */
export const cast = defineOp({
  kind: 'cast',
  formula: 'y = x in the precision of y',
  args: { x: read('~elements'), y: write('~elements', 'real') },
  attrs: [],
  multipliesMatrices: false,
  flops: () => 0,
  fused: 'casts',
});
