import { defineOp, read, sum, write } from '../program/declare.ts';
import { emitInto } from '../program/gradients.ts';

/** Rows whose partial sums of dgamma and dbeta are taken together: fixed, so that bits don't depend on threads. */
export const layerNormRowsPerChunk = 32;

const layerNormBackward = defineOp({
  kind: 'layerNormBackward',
  formula: 'gradients of layerNorm; dx may add to the gradient of the residual stream',
  args: {
    dy: read('rows width', 'real'),
    x: read('rows width', 'real'),
    gamma: read('width'),
    mean: read('rows'),
    rstd: read('rows'),
    dx: sum('rows width', 'real'),
    dgamma: sum('width'),
    dbeta: sum('width'),
  },
  attrs: [],
  multipliesMatrices: false,
  flops: (d) => 14 * d.rows! * d.width!,
  workspace: (d) => Math.ceil(d.rows! / layerNormRowsPerChunk) * 2 * d.width!,
  constants: { layerNormRowsPerChunk },
});

export const layerNorm = defineOp({
  kind: 'layerNorm',
  formula: 'y = (x - mean) * rstd * gamma + beta, rstd = 1 / sqrt(variance + eps)',
  args: {
    x: read('rows width', 'real'),
    gamma: read('width'),
    beta: read('width'),
    y: write('rows width', 'real'),
    mean: write('rows'),
    rstd: write('rows'),
  },
  attrs: ['eps'],
  multipliesMatrices: false,
  flops: (d) => 8 * d.rows! * d.width!,
  gradient(g, { args: { x, gamma, beta, y, mean, rstd } }) {
    emitInto(g, layerNormBackward, { dy: g.of(y!), x, gamma, mean, rstd }, { dx: x, dgamma: gamma, dbeta: beta });
  },
});
