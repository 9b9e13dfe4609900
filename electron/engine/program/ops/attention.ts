import { type Dims, defineOp, read, update, write } from '../declare.ts';

/** Query-key pairs that the causal mask leaves, over all heads and sequences. */
const causalPairs = (d: Dims) => d.batch! * d.heads! * d.time! * ((d.time! + 1) / 2);

const attentionBackward = defineOp({
  kind: 'attentionBackward',
  formula: 'gradients of attention to q, k and v; the probabilities are computed again from lse',
  args: {
    dy: read('batch*time heads*headDim', 'real'),
    qkv: read('batch*time 3*heads*headDim', 'real'),
    y: read('batch*time heads*headDim', 'real'),
    lse: read('batch heads time'),
    rng: read('4', 'i32'),
    dqkv: write('batch*time 3*heads*headDim', 'real'),
  },
  attrs: ['dropout', 'stream'],
  multipliesMatrices: true,
  flops: (d) => 10 * d.headDim! * causalPairs(d),
  // In half precision the queries' gradients are summed in float32 before they are rounded.
  workspace: (d, _, precision) => d.batch! * d.heads! * d.time! * (precision === 'f32' ? 1 : 1 + d.headDim!),
});

/** Causal self-attention without the time × time matrix (Dao et al. 2022): only the log of each softmax's sum is kept. */
export const attention = defineOp({
  kind: 'attention',
  formula: 'y = dropout(softmax(q kᵀ / √headDim, causal)) v, lse = log of the sum of exponentials',
  args: {
    qkv: read('batch*time 3*heads*headDim', 'real'),
    rng: read('4', 'i32'),
    y: write('batch*time heads*headDim', 'real'),
    lse: write('batch heads time'),
  },
  attrs: ['dropout', 'stream'],
  multipliesMatrices: true,
  flops: (d) => 4 * d.headDim! * causalPairs(d),
  gradient(g, { args: { qkv, rng, y, lse }, attrs }) {
    const { buffer, accumulate } = g.into(qkv!);
    if (accumulate) throw new Error('q, k and v have one use only');
    g.emit(attentionBackward, { dy: g.of(y!), qkv, y, lse, rng, dqkv: buffer }, attrs);
  },
});

/** Attention of `time` new tokens to themselves and to all that a key-value cache holds; puts the new ones into it. */
export const cachedAttention = defineOp({
  kind: 'cachedAttention',
  formula: 'cache[position + i] = k, v; y = softmax(q cacheᵀ / √headDim, causal) cache',
  args: {
    qkv: read('batch*time 3*heads*headDim', 'real'),
    position: read('1', 'i32'),
    kCache: update('batch heads context headDim', 'real'),
    vCache: update('batch heads context headDim', 'real'),
    y: write('batch*time heads*headDim', 'real'),
  },
  attrs: [],
  multipliesMatrices: true,
  flops: (d) => 4 * d.headDim! * d.batch! * d.heads! * d.time! * d.context!,
});
