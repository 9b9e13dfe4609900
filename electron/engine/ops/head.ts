import { type Dims, defineOp, read, sum, write } from '../program/declare.ts';
import type { Call } from '../program/types.ts';

/** Rows whose logits exist at a time: logits are never stored whole. */
export const headRowsPerChunk = 512;

/** Rows of logits, of the padded vocabulary and aligned to 64 bytes. */
const headWorkspace = (d: Dims) => Math.min(d.rows!, headRowsPerChunk) * Math.ceil(d.paddedVocab! / 16) * 16;

const checkVocab = (d: Dims, { vocab }: Dims): string | undefined =>
  vocab! >= 1 && vocab! <= d.paddedVocab! ? undefined : `a vocabulary of ${vocab} has no room in ${d.paddedVocab} rows`;

/** Rows of an embedding that a GPU multiplies by: the second side of a grid is 65,535 tiles of 64 (CUDA's programming guide). */
const gpuMaxVocab = 65_535 * 64;

/** Of every product with the vocabulary. */
const limits = {
  gpu: ({ dims }: Call) =>
    dims.paddedVocab! > gpuMaxVocab
      ? `the vocabulary has ${dims.paddedVocab} rows, and ${gpuMaxVocab} is the most`
      : undefined,
};

/** Logits of every row, for generation. Padding of the vocabulary is left out. */
export const head = defineOp({
  kind: 'head',
  formula: 'logits = x · wteᵀ',
  args: {
    x: read('rows width', 'real'),
    wte: read('paddedVocab width', 'real'),
    logits: write('rows vocab'),
  },
  attrs: [],
  check: (d) => checkVocab(d, d),
  multipliesMatrices: true,
  flops: (d) => 2 * d.rows! * d.width! * d.vocab!,
  limits,
});

/** Cross-entropy in nats fused with the output head, in chunks of rows. A target of -1 counts nothing. */
export const headCrossEntropy = defineOp({
  kind: 'headCrossEntropy',
  formula: 'losses = log Σ exp(x · wteᵀ) - (x · wteᵀ)[target]',
  args: {
    x: read('rows width', 'real'),
    wte: read('paddedVocab width', 'real'),
    targets: read('~rows', 'i32'),
    losses: write('rows'),
  },
  attrs: ['vocab'],
  check: checkVocab,
  multipliesMatrices: true,
  flops: (d, a) => 2 * d.rows! * d.width! * a.vocab!,
  workspace: headWorkspace,
  limits,
});

/** As headCrossEntropy, with the gradients of scalars.lossGradient × Σ losses taken while a chunk's logits are there. */
export const headCrossEntropyGrad = defineOp({
  kind: 'headCrossEntropyGrad',
  formula: 'losses; dlogits = (softmax - onehot) · lossGradient, dx = dlogits · wte, dwte = dlogitsᵀ · x',
  args: {
    x: read('rows width', 'real'),
    wte: read('paddedVocab width', 'real'),
    targets: read('~rows', 'i32'),
    scalars: read('8'),
    losses: write('rows'),
    dx: sum('rows width', 'real'),
    dwte: sum('paddedVocab width'),
  },
  attrs: ['vocab'],
  check: checkVocab,
  multipliesMatrices: true,
  flops: (d, a) => 6 * d.rows! * d.width! * a.vocab!,
  workspace: headWorkspace,
  limits,
  constants: { headRowsPerChunk },
});

/** Adds up the losses of a micro-batch, so that a step's mean comes back as one number. */
export const sumLosses = defineOp({
  kind: 'sumLosses',
  formula: 'total = Σ losses',
  args: { losses: read('rows'), total: sum('1') },
  attrs: [],
  multipliesMatrices: false,
  flops: (d) => d.rows!,
});
