import type { Tensor, Tf } from '../backend.ts';
import type { Handler } from '../handler.ts';

/** 0.5 z (1 + tanh(√(2/π) (z + 0.044715 z³))) */
const gelu = (tf: Tf, z: Tensor): Tensor =>
  tf.tidy(() => {
    const inner = z.add(z.mul(z).mul(z).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
    return z.mul(0.5).mul(inner.tanh().add(1));
  });

const affine = (tf: Tf, x: Tensor, w: Tensor, b?: Tensor): Tensor => {
  const y: Tensor = tf.matMul(x, w);
  return b ? y.add(b) : y;
};

const linear: Handler = ({ tf, arg, optional }) => {
  const y = affine(tf, arg('x'), arg('w'), optional('b'));
  const residual = optional('residual');
  return { y: residual ? y.add(residual) : y };
};

const linearGeluTanh: Handler = ({ tf, arg, optional }) => {
  const pre = affine(tf, arg('x'), arg('w'), optional('b'));
  return { pre, y: gelu(tf, pre) };
};

/** The layer's value at x does not matter to its gradient. */
const linearBackwardInput: Handler = ({ tf, arg, dims }) => ({
  dx: tf.grad((x) => affine(tf, x, arg('w')))(tf.zeros([dims.rows!, dims.in!]), arg('dy')),
});

const linearBackwardInputGeluTanh: Handler = ({ tf, arg }) => ({
  dx: tf.grad((z) => affine(tf, gelu(tf, z), arg('w')))(arg('pre'), arg('dy')),
});

const geluTanh: Handler = ({ tf, arg }) => ({ y: gelu(tf, arg('x')) });

const geluTanhBackward: Handler = ({ tf, arg }) => ({ dx: tf.grad((z) => gelu(tf, z))(arg('x'), arg('dy')) });

const linearBackwardWeight: Handler = ({ tf, arg, dims, attrs }) => {
  const x = arg('x');
  const at = [tf.zeros([dims.in!, dims.out!]), tf.zeros([dims.out!])];
  const [dw, db] = tf.grads((w, b) => affine(tf, x, w!, b))(at, arg('dy'));
  const columns = tf.range(0, dims.out!, 1);
  const zero = columns.greaterEqual(attrs.zeroFrom!).logicalAnd(columns.less(attrs.zeroTo!));
  return { dw: dw!, db: tf.where(zero, 0, db!) };
};

export const linearHandlers = {
  linear,
  linearGeluTanh,
  linearBackwardInput,
  linearBackwardInputGeluTanh,
  linearBackwardWeight,
  geluTanh,
  geluTanhBackward,
};
