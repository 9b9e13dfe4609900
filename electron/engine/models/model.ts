import { z } from 'zod';
import { UsageError } from '../../base/errors.ts';
import { setting } from '../../base/setting.ts';
import { maxVocabSize } from '../../base/tokens.ts';
import type { Recorder } from '../program/recorder.ts';
import type { Buffer } from '../program/types.ts';
import type { Inputs, PackedInputs } from './inputs.ts';
import type { Parameters, ParameterSpec } from './parameters.ts';

/** What the config of a model of any family says. */
export const modelShape = {
  vocabSize: z.int().min(2).max(maxVocabSize),
  contextLength: setting(z.int().min(1).max(65536), {
    section: 'model',
    flag: '--context <n>',
    label: 'Context length',
    help: 'context length in tokens',
    start: 128,
  }),
  nLayer: setting(z.int().min(1).max(1024), {
    section: 'model',
    flag: '--layers <n>',
    label: 'Layers',
    help: 'transformer blocks',
    start: 4,
  }),
  nHead: setting(z.int().min(1).max(1024), {
    section: 'model',
    flag: '--heads <n>',
    label: 'Heads',
    help: 'attention heads; must divide the embedding dim',
    start: 4,
  }),
  nEmbd: setting(z.int().min(1).max(65536), {
    section: 'model',
    flag: '--width <n>',
    label: 'Embedding dim',
    help: 'embedding dim (width of the residual stream)',
    start: 128,
  }),
  /** Probability with which embeddings, attention weights and residual branches are dropped in training. */
  dropout: setting(z.number().min(0).lt(1).default(0), {
    section: 'model',
    flag: '--dropout <p>',
    label: 'Dropout',
    help: 'dropout probability',
  }),
};

type AnyModel = z.ZodObject<typeof modelShape>;

/** The config of a model of any family; a family may have more settings. Without a name it is of the default family. */
export type ModelConfig = z.infer<AnyModel> & { readonly family?: string | undefined };
export type ModelConfigInput = z.input<AnyModel> & { readonly family?: string | undefined };

/** Where the keys and values of one layer are kept while generating: [batch, key-value heads, context, width of a head]. */
export interface LayerCache {
  readonly k: Buffer;
  readonly v: Buffer;
}

/**
 * What a forward pass is recorded with. With `cache`, attention spans the tokens before these as well; packed inputs are
 * several texts, each of which sees itself.
 */
export interface Forward<C extends ModelConfig = ModelConfig> {
  readonly r: Recorder;
  readonly config: C;
  readonly p: Parameters;
  readonly inputs: Inputs | PackedInputs;
  /** Dropout probability: the config's in training, 0 otherwise. */
  readonly dropout: number;
  readonly cache?: readonly LayerCache[];
}

/** Rows of a program's activations: a token each. */
export const rowsOf = (inputs: Inputs | PackedInputs): number => inputs.tokens.shape[0]! * inputs.tokens.shape[1]!;

/** All that a model family is. models/programs.ts makes every program of it. */
export interface ModelFamily<C extends ModelConfig = ModelConfig> {
  /** As configs name it. */
  readonly name: string;
  /** Of the config without its family: `modelShape`, and settings of its own. */
  readonly configSchema: z.ZodObject;
  /** @throws UsageError when the dimensions can't make a model */
  check(config: C): void;
  /** Every parameter in the order of its use. */
  parameterTable(config: C): ParameterSpec[];
  /** Records the forward pass up to what the output head multiplies. @returns hidden states, [rows, width] */
  forward(f: Forward<C>): Buffer;
  /** The parameter that the output head multiplies by, [padded vocabulary, width]: that of the embedding where they are tied. */
  readonly headWeight: string;
  /** Heads of keys and values, a divisor of the number of heads. */
  keyValueHeads(config: C): number;
  /**
   * Model FLOPs to train on one token. Recomputation does not count: it is no useful work.
   * @param contextLength tokens that a token's attention spans, the mask not discounted (as the literature does)
   */
  flopsPerToken(config: C, contextLength: number): number;
}

const vocabMultiple = 64;

/** Rows of the embedding as stored in memory: the vocabulary rounded up, so that rows of logits are aligned. */
export const paddedVocabSize = ({ vocabSize }: Pick<ModelConfig, 'vocabSize'>): number =>
  Math.ceil(vocabSize / vocabMultiple) * vocabMultiple;

/** The widest head that attention takes on any device. */
const maxHeadDim = 256;

/** @throws UsageError when the width can't be cut into heads */
export function checkHeads(c: ModelConfig): void {
  if (c.nEmbd % c.nHead !== 0) {
    throw new UsageError(
      `The embedding dim ${c.nEmbd} is not divisible by the number of heads ${c.nHead}: choose a multiple of ${c.nHead}.`,
    );
  }
  const headDim = c.nEmbd / c.nHead;
  if (headDim > maxHeadDim) {
    throw new UsageError(
      `A head would be ${headDim} wide (${c.nEmbd} / ${c.nHead}), and ${maxHeadDim} is the most: use more heads.`,
    );
  }
}
