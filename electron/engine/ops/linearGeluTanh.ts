import { defineOp, optional, read, write } from '../program/declare.ts';
import { defineFusion } from '../program/fuse.ts';
import { geluTanh, geluTanhBackward } from './geluTanh.ts';
import { linear, linearBackwardInput } from './linear.ts';

// GELU at the end of a matrix product, while its numbers are at hand. Models record the two one by one.

const linearGeluTanh = defineOp({
  kind: 'linearGeluTanh',
  formula: 'pre = x · w + b, y = gelu(pre)',
  args: {
    x: read('rows in', 'real'),
    w: read('in out', 'real'),
    b: optional(read('out')),
    pre: write('rows out', 'real'),
    y: write('rows out', 'real'),
  },
  attrs: [],
  multipliesMatrices: true,
  flops: (d) => 2 * d.rows! * d.in! * d.out!,
});

const linearBackwardInputGeluTanh = defineOp({
  kind: 'linearBackwardInputGeluTanh',
  formula: "dx = (dy · wᵀ) · gelu'(pre)",
  args: {
    dy: read('rows out', 'real'),
    w: read('in out', 'real'),
    pre: read('rows in', 'real'),
    dx: write('rows in', 'real'),
  },
  attrs: [],
  multipliesMatrices: true,
  flops: (d) => 2 * d.rows! * d.in! * d.out!,
});

defineFusion({
  first: linear.kind,
  from: 'y',
  second: geluTanh.kind,
  to: 'x',
  into: linearGeluTanh,
  args: ({ x, w, b, y: pre }, { y }) => ({ x, w, b, pre, y }),
  unless: ({ args }) => args.residual !== undefined,
});

defineFusion({
  first: linearBackwardInput.kind,
  from: 'dx',
  second: geluTanhBackward.kind,
  to: 'dy',
  into: linearBackwardInputGeluTanh,
  args: ({ dy, w }, { x: pre, dx }) => ({ dy, w, pre, dx }),
});
