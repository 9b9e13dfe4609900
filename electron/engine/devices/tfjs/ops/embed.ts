import type { Handler } from '../handler.ts';

const embed: Handler = ({ tf, arg, dims }) => {
  const { batch, time } = dims as { batch: number; time: number };
  const first = arg('position').dataSync()[0]!;
  const positions = tf.range(first, first + time, 1, 'int32').tile([batch]);
  const tokens = arg('tokens').flatten();
  return { x: tf.gather(arg('wte'), tokens).add(tf.gather(arg('wpe'), positions)) };
};

/**
 * Sums the rows of dx by token and by position. A scatter, not tf.grad: the gradient of tf.gather visits the whole
 * vocabulary for every row on the plain JavaScript backend.
 */
const embedBackward: Handler = ({ tf, arg, dims }) => {
  const { batch, time, width, paddedVocab, context } = dims as Record<string, number>;
  const dx = arg('dx');
  const tokens = arg('tokens').reshape([-1, 1]);
  const overBatch = dx.reshape([batch!, time!, width!]).sum(0);
  return {
    dwte: tf.scatterND(tokens, dx, [paddedVocab!, width!]),
    dwpe: overBatch.pad([
      [0, context! - time!],
      [0, 0],
    ]),
  };
};

const embedTokens: Handler = ({ tf, arg }) => ({ x: tf.gather(arg('wte'), arg('tokens').flatten()) });

const embedTokensBackward: Handler = ({ tf, arg, dims }) => {
  const { paddedVocab, width } = dims as Record<string, number>;
  return { dwte: tf.scatterND(arg('tokens').reshape([-1, 1]), arg('dx'), [paddedVocab!, width!]) };
};

export const embedHandlers = { embed, embedBackward, embedTokens, embedTokensBackward };
