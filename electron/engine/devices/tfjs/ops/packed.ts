import type { Tensor3D } from '@tensorflow/tfjs';
import type { Handler } from '../handler.ts';
import { forEachHead, splitHeads } from './attention.ts';

/** A score that the softmax turns into exactly 0. */
const masked = -1e30;

const embedPacked: Handler = ({ tf, arg }) => ({
  x: tf.gather(arg('wte'), arg('tokens').flatten()).add(tf.gather(arg('wpe'), arg('positions'))),
});

const packedAttention: Handler = ({ tf, arg, dims, attrs }) => {
  const { rows, width, kvWidth } = dims as { rows: number; width: number; kvWidth: number };
  const heads = attrs.heads!;
  const headDim = width / heads;
  const [all, ...kv] = splitHeads(arg('qkv'), { batch: 1, time: rows, heads, kvHeads: kvWidth / headDim, headDim });
  const [q, k, v] = [all, ...kv.map((x) => forEachHead(x, heads))].map((x) => x.squeeze<Tensor3D>([0]));
  const [begin, end, own] = arg('spans').split(3, 1); // a column each
  const keys = tf.range(0, rows, 1, 'int32').expandDims(0);
  const queries = tf.range(0, rows, 1, 'int32').expandDims(1);
  const before = tf.logicalAnd(tf.greaterEqual(keys, begin!), tf.less(keys, end!));
  const ownPart = tf.logicalAnd(tf.greaterEqual(keys, own!), tf.lessEqual(keys, queries));
  const visible = tf.logicalOr(before, ownPart).expandDims(0).broadcastTo([heads, rows, rows]);
  const scores = tf.matMul(q!, k!, false, true).mul(1 / Math.sqrt(headDim));
  const weights = tf.softmax(tf.where(visible, scores, tf.fill(scores.shape, masked)));
  return {
    y: tf.matMul(weights, v!).transpose([1, 0, 2]).reshape([rows, width]),
  };
};

const selectRows: Handler = ({ tf, arg }) => ({ y: tf.gather(arg('x'), arg('index')) });

export const packedHandlers = { embedPacked, packedAttention, selectRows };
