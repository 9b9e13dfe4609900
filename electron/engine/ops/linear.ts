import { type Dims, defineOp, optional, read, sum, write } from '../program/declare.ts';
import { emitInto } from '../program/gradients.ts';

const checkZeros = (d: Dims, { zeroFrom, zeroTo }: Dims): string | undefined =>
  0 <= zeroFrom! && zeroFrom! <= zeroTo! && zeroTo! <= d.out!
    ? undefined
    : `columns ${zeroFrom} … ${zeroTo} do not lie in ${d.out}`;

export const linearBackwardInput = defineOp({
  kind: 'linearBackwardInput',
  formula: 'dx = dy · wᵀ',
  args: {
    dy: read('rows out', 'real'),
    w: read('in out', 'real'),
    dx: sum('rows in', 'real'),
  },
  attrs: [],
  multipliesMatrices: true,
  flops: (d) => 2 * d.rows! * d.in! * d.out!,
});

export const linearBackwardWeight = defineOp({
  kind: 'linearBackwardWeight',
  formula: 'dw = xᵀ · dy, db = sum of the rows of dy, and 0 in columns zeroFrom … zeroTo - 1',
  args: {
    x: read('rows in', 'real'),
    dy: read('rows out', 'real'),
    dw: sum('in out'),
    db: optional(sum('out')),
  },
  attrs: ['zeroFrom', 'zeroTo'],
  check: checkZeros,
  multipliesMatrices: true,
  flops: (d) => 2 * d.rows! * d.in! * d.out! + d.rows! * d.out!,
});

/**
 * A linear layer in Hugging Face's Conv1D layout, with the residual connection fused into its end.
 * The loss does not depend on the bias of the outputs `zeroFrom` … `zeroTo` - 1: their gradient is 0, and what rounding
 * would leave of it is not computed.
 */
export const linear = defineOp({
  kind: 'linear',
  formula: 'y = x · w + b + residual',
  args: {
    x: read('rows in', 'real'),
    w: read('in out', 'real'),
    b: optional(read('out')),
    residual: optional(read('rows out', 'real')),
    y: write('rows out', 'real'),
  },
  attrs: ['zeroFrom', 'zeroTo'],
  check: checkZeros,
  multipliesMatrices: true,
  flops: (d) => 2 * d.rows! * d.in! * d.out!,
  gradient(g, { args: { x, w, b, residual, y }, attrs }) {
    const dy = g.of(y!);
    emitInto(g, linearBackwardInput, { dy, w }, { dx: x });
    emitInto(g, linearBackwardWeight, { x, dy }, { dw: w, db: b }, attrs);
    if (residual) g.share(residual, dy);
  },
});
