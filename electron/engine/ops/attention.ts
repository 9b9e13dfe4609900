import { type Dims, defineOp, read, update, write } from '../program/declare.ts';
import type { Call } from '../program/types.ts';

/** Grouped-query attention (Ainslie et al. 2023): so many neighboring heads of queries share one of keys and values. */
export const checkGroups = ({ heads, kvHeads }: Dims): string | undefined =>
  kvHeads! >= 1 && heads! % kvHeads! === 0
    ? undefined
    : `${heads} heads of queries are not divided by ${kvHeads} of keys and values`;

/** Query-key pairs that the causal mask leaves, over all heads and sequences. */
const causalPairs = (d: Dims) => d.batch! * d.heads! * d.time! * ((d.time! + 1) / 2);

/** The widest heads that kernels take. */
const processorMaxHeadDim = 256;
export const gpuMaxHeadDim = 128;
/** What the second side of a grid may be (CUDA's programming guide, compute capabilities). */
const gpuMaxGridRows = 65_535;
/** Keys whose scores one block of a GPU holds. */
export const gpuMaxRowKeys = 24_000;

export const tooWide = (headDim: number, max: number) =>
  headDim > max ? `heads are ${headDim} wide, and ${max} is the most` : undefined;

/** Of every attention over sequences. */
const limits = {
  processor: ({ dims }: Call) => tooWide(dims.headDim!, processorMaxHeadDim),
  gpu: ({ dims }: Call) =>
    dims.batch! * dims.heads! > gpuMaxGridRows
      ? 'too many sequences are taken at once'
      : tooWide(dims.headDim!, gpuMaxHeadDim),
};

const attentionBackward = defineOp({
  kind: 'attentionBackward',
  formula: 'gradients of attention to q, k and v; the probabilities are computed again from lse',
  args: {
    dy: read('batch*time heads*headDim', 'real'),
    qkv: read('batch*time heads*headDim+2*kvHeads*headDim', 'real'),
    y: read('batch*time heads*headDim', 'real'),
    lse: read('batch heads time'),
    rng: read('4', 'i32'),
    dqkv: write('batch*time heads*headDim+2*kvHeads*headDim', 'real'),
  },
  attrs: ['dropout', 'stream'],
  check: checkGroups,
  multipliesMatrices: true,
  flops: (d) => 10 * d.headDim! * causalPairs(d),
  // In half precision the queries' gradients are summed in float32 before they are rounded.
  workspace: (d, _, precision) => d.batch! * d.heads! * d.time! * (precision === 'f32' ? 1 : 1 + d.headDim!),
  limits,
});

/** Causal self-attention without the time × time matrix (Dao et al. 2022): only the log of each softmax's sum is kept. */
export const attention = defineOp({
  kind: 'attention',
  formula: 'y = dropout(softmax(q kᵀ / √headDim, causal)) v, lse = log of the sum of exponentials',
  args: {
    qkv: read('batch*time heads*headDim+2*kvHeads*headDim', 'real'),
    rng: read('4', 'i32'),
    y: write('batch*time heads*headDim', 'real'),
    lse: write('batch heads time'),
  },
  attrs: ['dropout', 'stream'],
  check: checkGroups,
  multipliesMatrices: true,
  flops: (d) => 4 * d.headDim! * causalPairs(d),
  constants: { processorMaxHeadDim, gpuMaxHeadDim, gpuMaxGridRows, gpuMaxRowKeys },
  limits,
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
    qkv: read('batch*time heads*headDim+2*kvHeads*headDim', 'real'),
    position: read('1', 'i32'),
    kCache: update('batch kvHeads context headDim', 'real'),
    vCache: update('batch kvHeads context headDim', 'real'),
    y: write('batch*time heads*headDim', 'real'),
  },
  attrs: [],
  check: checkGroups,
  multipliesMatrices: true,
  flops: (d) => 4 * d.headDim! * d.batch! * d.heads! * d.time! * d.context!,
  limits: {
    ...limits,
    gpu: (call) =>
      limits.gpu(call) ??
      (call.dims.context! > gpuMaxRowKeys ? `the context is longer than ${gpuMaxRowKeys}` : undefined),
  },
});
