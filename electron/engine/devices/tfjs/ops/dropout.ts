import type { Handler } from '../handler.ts';
import { keepMask } from '../mask.ts';

const dropout: Handler = ({ tf, arg, optional, attrs }) => {
  const x = arg('x');
  const y = x.mul(tf.tensor(keepMask(x.size, attrs, arg('rng').dataSync<'int32'>()), x.shape));
  const residual = optional('residual');
  return { y: residual ? y.add(residual) : y };
};

export const dropoutHandlers = { dropout };
