import type { Tensor, Tf } from '../backend.ts';
import type { Handler } from '../handler.ts';

/** y, mean and rstd of every row; `eps` is a number or one number a row. */
function normalize(tf: Tf, x: Tensor, gamma: Tensor, beta: Tensor, eps: Tensor | number) {
  const mean = x.mean(-1, true);
  const centered = x.sub(mean);
  const variance = centered.mul(centered).mean(-1, true);
  const rstd = tf.sqrt(variance.add(eps)).reciprocal();
  return { y: centered.mul(rstd).mul(gamma).add(beta), mean, rstd, variance };
}

const layerNorm: Handler = ({ tf, arg, attrs }) => {
  const { y, mean, rstd } = normalize(tf, arg('x'), arg('gamma'), arg('beta'), attrs.eps!);
  return { y, mean: mean.flatten(), rstd: rstd.flatten() };
};

/** The backward call has no eps, but rstd holds it: a constant, found outside of what the gradient is taken of. */
const layerNormBackward: Handler = ({ tf, arg }) => {
  const [x, gamma] = [arg('x'), arg('gamma')];
  const beta = tf.zerosLike(gamma);
  const rstd = arg('rstd').expandDims(-1);
  const eps = rstd
    .square()
    .reciprocal()
    .sub(normalize(tf, x, gamma, beta, 0).variance);
  const f = (x: Tensor, gamma: Tensor, beta: Tensor) => normalize(tf, x, gamma, beta, eps).y;
  const [dx, dgamma, dbeta] = tf.grads((...at) => f(at[0]!, at[1]!, at[2]!))([x, gamma, beta], arg('dy'));
  return { dx: dx!, dgamma: dgamma!, dbeta: dbeta! };
};

export const layerNormHandlers = { layerNorm, layerNormBackward };
