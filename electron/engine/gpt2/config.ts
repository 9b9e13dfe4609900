import { z } from 'zod';
import { UsageError } from '../../errors.ts';

/** The shape of a GPT-2 model (Radford et al. 2019). */
export const modelConfigSchema = z.strictObject({
  vocabSize: z.int().min(2).max(65536),
  contextLength: z.int().min(1).max(65536),
  nLayer: z.int().min(1).max(1024),
  nHead: z.int().min(1).max(1024),
  nEmbd: z.int().min(1).max(65536),
  /** Probability with which embeddings, attention weights and residual branches are dropped in training. */
  dropout: z.number().min(0).lt(1).default(0),
});

export type ModelConfig = z.infer<typeof modelConfigSchema>;

export const layerNormEps = 1e-5;
const vocabMultiple = 64;

/** Rows of the embedding as stored in memory: the vocabulary rounded up, so that rows of logits are aligned. */
export const paddedVocabSize = (c: ModelConfig): number => Math.ceil(c.vocabSize / vocabMultiple) * vocabMultiple;

/** V·C + T·C + L·(12·C² + 13·C) + 2·C, padding not counted. */
export function parameterCount({ vocabSize: V, contextLength: T, nLayer: L, nEmbd: C }: ModelConfig): number {
  return V * C + T * C + L * (12 * C * C + 13 * C) + 2 * C;
}

/** @throws UsageError when the dimensions can't make a model. */
export function checkModelConfig(c: ModelConfig): void {
  if (c.nEmbd % c.nHead !== 0) {
    throw new UsageError(
      `The width ${c.nEmbd} is not divisible by the number of heads ${c.nHead}: choose a multiple of ${c.nHead}.`,
    );
  }
  const headDim = c.nEmbd / c.nHead;
  if (headDim > 256) {
    throw new UsageError(
      `A head would be ${headDim} wide (${c.nEmbd} / ${c.nHead}), and 256 is the most: use more heads.`,
    );
  }
}
