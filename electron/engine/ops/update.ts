import { defineOp, read, update, write } from '../program/declare.ts';

/** Elements whose squares are summed together: fixed, so that bits don't depend on threads. */
export const squaresPerChunk = 65536;

/** The squared Frobenius norm of one parameter's gradient. */
export const squaredSum = defineOp({
  kind: 'squaredSum',
  formula: 'squares[index] = Σ g²',
  args: { g: read('~elements'), squares: update('tensors') },
  attrs: ['index'],
  check: (d, { index }) =>
    index! >= 0 && index! < d.tensors! ? undefined : `index ${index} is not below ${d.tensors}`,
  multipliesMatrices: false,
  flops: (d) => 2 * d.elements!,
  workspace: (d) => Math.ceil(d.elements! / squaresPerChunk),
  constants: { squaresPerChunk },
  fused: 'squares',
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
  multipliesMatrices: false,
  flops: (d) => d.tensors!,
});
