import { scalarIndex } from '../../../ops/scalars.ts';
import type { Tensor } from '../backend.ts';
import type { Given, Handler } from '../handler.ts';

const squaredSum: Handler = ({ tf, arg, attrs }) => {
  const squares = arg('squares');
  const here = tf.equal(tf.range(0, squares.size, 1, 'int32'), attrs.index!);
  return { squares: tf.where(here, arg('g').square().sum(), squares) };
};

const clipFactor: Handler = ({ tf, arg, attrs }) => {
  const lossScale = arg('scalars').dataSync()[scalarIndex.lossScale]!;
  const total = Array.from(arg('squares').dataSync()).reduce((a, b) => a + b, 0);
  const norm = Math.sqrt(total) / lossScale;
  const finite = Number.isFinite(norm);
  const { maxNorm } = attrs as { maxNorm: number };
  const clip = maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1;
  return { stats: tf.tensor([norm, finite ? clip / lossScale : 0, finite ? 0 : 1, 0]) };
};

/** New parameter and moments, as torch.optim.AdamW: decay first, then the step. */
export function adamwStep(arg: Given['arg'], attrs: Given['attrs'], m: Tensor, v: Tensor) {
  const { beta1, beta2, eps, weightDecay } = attrs as Record<string, number>;
  const [, factor] = arg('stats').dataSync();
  const scalars = arg('scalars').dataSync();
  const rate = scalars[scalarIndex.learningRate]!;
  const g = arg('g').mul(factor!);
  const newM = m.mul(beta1!).add(g.mul(1 - beta1!));
  const newV = v.mul(beta2!).add(g.square().mul(1 - beta2!));
  const mHat = newM.mul(scalars[scalarIndex.biasCorrection1]!);
  const vHat = newV.mul(scalars[scalarIndex.biasCorrection2]!);
  const step = mHat.mul(rate).div(vHat.sqrt().add(eps!));
  return {
    p: arg('p')
      .mul(1 - rate * weightDecay!)
      .sub(step),
    m: newM,
    v: newV,
  };
}

/** In a step whose gradient is not finite nothing changes. */
const adamw: Handler = ({ arg, attrs }) => {
  const [p, m, v] = [arg('p'), arg('m'), arg('v')];
  if (arg('stats').dataSync()[2] !== 0) return { p: p.clone(), m: m.clone(), v: v.clone() };
  return adamwStep(arg, attrs, m, v);
};

export const updateHandlers = { squaredSum, clipFactor, adamw };
