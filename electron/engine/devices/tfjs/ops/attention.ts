import type { Tensor, Tf } from '../backend.ts';
import type { Given, Handler } from '../handler.ts';
import { keepMask } from '../mask.ts';

/** A score that the softmax turns into exactly 0. */
const masked = -1e30;

/** q [batch, heads, time, headDim], and k and v [batch, kvHeads, time, headDim], of what lies side by side in a row. */
export function splitHeads(qkv: Tensor, dims: Given['dims']): [q: Tensor, k: Tensor, v: Tensor] {
  const { batch, time, heads, kvHeads, headDim } = dims as Record<string, number>;
  const part = (first: number, count: number) =>
    qkv
      .slice([0, first * headDim!], [-1, count * headDim!])
      .reshape([batch!, time!, count, headDim!])
      .transpose([0, 2, 1, 3]);
  return [part(0, heads!), part(heads!, kvHeads!), part(heads! + kvHeads!, kvHeads!)];
}

/** Keys or values [batch, kvHeads, time, headDim] for each head of queries: neighbors share them. */
export function forEachHead(x: Tensor, heads: number): Tensor {
  const [batch, kvHeads, time, headDim] = x.shape as [number, number, number, number];
  if (kvHeads === heads) return x;
  const apart = x.expandDims(2);
  const more = Array.from({ length: heads / kvHeads - 1 }, () => apart);
  return apart.concat(more, 2).reshape([batch, heads, time, headDim]);
}

/** [batch, heads, time, headDim] → [batch·time, heads·headDim] */
function joinHeads(y: Tensor, dims: Given['dims']): Tensor {
  const { batch, time, heads, headDim } = dims as Record<string, number>;
  return y.transpose([0, 2, 1, 3]).reshape([batch! * time!, heads! * headDim!]);
}

/** Scores of `time` queries, the first of which is at `position`, against `position + time` keys. */
function causalScores(tf: Tf, q: Tensor, k: Tensor, position: number): Tensor {
  const [time, headDim] = [q.shape[2]!, q.shape[3]!];
  const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(headDim));
  const queries = tf.range(position, position + time, 1, 'int32').expandDims(1);
  const keys = tf.range(0, position + time, 1, 'int32').expandDims(0);
  const visible = tf.lessEqual(keys, queries).broadcastTo(scores.shape as [number, number, number, number]);
  return tf.where(visible, scores, tf.fill(scores.shape, masked));
}

/** What each attention weight is multiplied by; a weight's number is its place in [batch, heads, query, key]. */
function weightMask({ tf, arg, dims, attrs }: Given): Tensor | number {
  if (attrs.dropout === 0) return 1;
  const { batch, heads, time } = dims as { batch: number; heads: number; time: number };
  const mask = keepMask(batch * heads * time * time, attrs, arg('rng').dataSync<'int32'>());
  return tf.tensor(mask, [batch, heads, time, time]);
}

function attend(given: Given, qkv: Tensor, mask: Tensor | number): { y: Tensor; lse: Tensor } {
  const [q, ...kv] = splitHeads(qkv, given.dims);
  const [k, v] = kv.map((x) => forEachHead(x, given.dims.heads!)) as [Tensor, Tensor];
  const scores = causalScores(given.tf, q, k, 0);
  const weights = given.tf.softmax(scores).mul(mask);
  return { y: joinHeads(given.tf.matMul(weights, v), given.dims), lse: given.tf.logSumExp(scores, -1) };
}

const attention: Handler = (given) => attend(given, given.arg('qkv'), weightMask(given));

const attentionBackward: Handler = (given) => {
  const mask = weightMask(given);
  const dqkv = given.tf.grad((qkv) => attend(given, qkv, mask).y)(given.arg('qkv'), given.arg('dy'));
  return { dqkv };
};

/** Reads nothing of the cache behind the new tokens. */
const cachedAttention: Handler = ({ tf, arg, dims }) => {
  const { time, context, heads } = dims as { time: number; context: number; heads: number };
  const position = arg('position').dataSync()[0]!;
  if (position + time > context) throw new Error(`the cache holds ${context} tokens, not ${position + time}`);
  const [q, k, v] = splitHeads(arg('qkv'), dims);
  const upToNow = (cache: Tensor, added: Tensor) => tf.concat([cache.slice([0, 0, 0], [-1, -1, position]), added], 2);
  const behind = (cache: Tensor) => cache.slice([0, 0, position + time]);
  const [kCache, vCache] = [arg('kCache'), arg('vCache')];
  const [keys, values] = [upToNow(kCache, k), upToNow(vCache, v)];
  const weights = tf.softmax(causalScores(tf, q, forEachHead(keys, heads), position));
  return {
    y: joinHeads(tf.matMul(weights, forEachHead(values, heads)), dims),
    kCache: tf.concat([keys, behind(kCache)], 2),
    vCache: tf.concat([values, behind(vCache)], 2),
  };
};

export const attentionHandlers = { attention, attentionBackward, cachedAttention };
