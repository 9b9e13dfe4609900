import { defineOp, read, update, write } from '../declare.ts';

/** Elements whose squares are summed together: fixed, so that bits don't depend on threads. */
export const squaresPerChunk = 65536;

/** The squared Frobenius norm of one parameter's gradient. */
export const squaredSum = defineOp({
  kind: 'squaredSum',
  formula: 'squares[index] = Σ g²',
  args: { g: read('~elements'), squares: update('tensors') },
  attrs: ['index'],
  flops: (d) => 2 * d.elements!,
  workspace: (d) => Math.ceil(d.elements! / squaresPerChunk),
});

/**
 * The global gradient norm after unscaling, and the factor that unscales and clips (as torch.nn.utils.clip_grad_norm_).
 * stats = [gradNorm, factor, 1 if the norm is not finite else 0, unused].
 */
export const clipFactor = defineOp({
  kind: 'clipFactor',
  formula: 'gradNorm = √(Σ squares) / lossScale, factor = min(1, maxNorm / (gradNorm + 1e-6)) / lossScale',
  args: { squares: read('tensors'), scalars: read('8'), stats: write('4') },
  attrs: ['maxNorm'],
  flops: (d) => d.tensors!,
});

/** AdamW (Loshchilov & Hutter 2019), as torch.optim.AdamW. Does nothing in a step whose gradient is not finite. */
export const adamw = defineOp({
  kind: 'adamw',
  formula: 'p -= lr·wd·p; m, v; p -= lr · m̂ / (√v̂ + eps)',
  args: {
    p: update('~elements'),
    g: read('~elements'),
    m: update('~elements'),
    v: update('~elements'),
    stats: read('4'),
    scalars: read('8'),
  },
  attrs: ['beta1', 'beta2', 'eps', 'weightDecay'],
  flops: (d) => 14 * d.elements!,
});
