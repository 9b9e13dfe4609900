import { defineOp, optional, read, write } from '../program/declare.ts';

/**
 * Dropout whose mask is a pure function of (seed, micro-batch, stream, element): its own backward is itself.
 * The random words are Philox4x32-10 (Salmon et al. 2011), so every device drops the same elements.
 */
export const dropout = defineOp({
  kind: 'dropout',
  formula: 'y = x · mask / (1 - p) + residual',
  args: {
    x: read('rows width', 'real'),
    rng: read('4', 'i32'),
    residual: optional(read('rows width', 'real')),
    y: write('rows width', 'real'),
  },
  attrs: ['dropout', 'stream'],
  multipliesMatrices: false,
  flops: (d) => 2 * d.rows! * d.width!,
  gradient(g, { args: { x, rng, residual, y }, attrs }) {
    const dy = g.of(y!);
    const { buffer, accumulate } = g.into(x!);
    if (accumulate) throw new Error('a tensor that is dropped out has one use only');
    g.emit(dropout, { x: dy, rng, y: buffer }, attrs);
    if (residual) g.share(residual, dy);
  },
});
