import { scalarIndex } from '../../../ops/scalars.ts';
import type { Tensor, Tf } from '../backend.ts';
import type { Handler } from '../handler.ts';

/** Logits over the real vocabulary: rows that pad it are not read. */
const logitsOf = (tf: Tf, x: Tensor, wte: Tensor, vocab: number): Tensor =>
  tf.matMul(x, wte.slice([0, 0], [vocab, -1]), false, true);

/** log Σ exp(logits) - logits[target] of every row; 0 where the target is -1. */
function crossEntropy(tf: Tf, x: Tensor, wte: Tensor, targets: Tensor, vocab: number): Tensor {
  const logits = logitsOf(tf, x, wte, vocab);
  const flat = targets.flatten();
  const counted = tf.greaterEqual(flat, 0).cast('float32');
  const oneHot = tf.equal(flat.expandDims(1), tf.range(0, vocab, 1, 'int32').expandDims(0)).cast('float32');
  const picked = logits.mul(oneHot).sum(-1);
  return tf.logSumExp(logits, -1).sub(picked).mul(counted);
}

const head: Handler = ({ tf, arg, dims }) => ({ logits: logitsOf(tf, arg('x'), arg('wte'), dims.vocab!) });

const headCrossEntropy: Handler = ({ tf, arg, attrs }) => ({
  losses: crossEntropy(tf, arg('x'), arg('wte'), arg('targets'), attrs.vocab!),
});

const headCrossEntropyGrad: Handler = ({ tf, arg, attrs }) => {
  const f = (x: Tensor, wte: Tensor) => crossEntropy(tf, x, wte, arg('targets'), attrs.vocab!);
  const [x, wte] = [arg('x'), arg('wte')];
  const lossGradient = arg('scalars').slice([scalarIndex.lossGradient], [1]).tile([x.shape[0]!]);
  const { value, grads } = tf.valueAndGrads((...at) => f(at[0]!, at[1]!))([x, wte], lossGradient);
  return { losses: value, dx: grads[0]!, dwte: grads[1]! };
};

const sumLosses: Handler = ({ arg }) => ({ total: arg('losses').sum().reshape([1]) });

export const headHandlers = { head, headCrossEntropy, headCrossEntropyGrad, sumLosses };
