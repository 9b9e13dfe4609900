import { defineOp, read, sum, write } from '../program/declare.ts';
import { emitInto } from '../program/gradients.ts';

export const geluTanhBackward = defineOp({
  kind: 'geluTanhBackward',
  formula: "dx = dy · gelu'(x)",
  args: {
    dy: read('rows width', 'real'),
    x: read('rows width', 'real'),
    dx: sum('rows width', 'real'),
  },
  attrs: [],
  multipliesMatrices: false,
  flops: (d) => 20 * d.rows! * d.width!,
});

/** GELU with the tanh approximation, as GPT-2 uses it (Hendrycks & Gimpel 2016, `gelu_new`). */
export const geluTanh = defineOp({
  kind: 'geluTanh',
  formula: 'y = 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))',
  args: { x: read('rows width', 'real'), y: write('rows width', 'real') },
  attrs: [],
  multipliesMatrices: false,
  flops: (d) => 12 * d.rows! * d.width!,
  gradient(g, { args: { x, y } }) {
    emitInto(g, geluTanhBackward, { dy: g.of(y!), x }, { dx: x });
  },
});
