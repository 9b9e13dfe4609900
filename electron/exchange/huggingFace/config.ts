import { z } from 'zod';
import type { Tokenizer } from '../../data/tokenizers/index.ts';
import { checkModelConfig, type ModelConfig } from '../../engine/models/index.ts';
import { layerNormEps, modelConfigSchema } from '../../engine/models/gpt2/config.ts';
import { UserError } from '../../base/errors.ts';
import { maxVocabSize } from '../../base/tokens.ts';
import { firstIssue, plainIssue } from '../../base/issues.ts';

const size = z.int().min(1).max(1e9);

/** What of Hugging Face's `GPT2Config` decides what a model computes. */
const schema = z.looseObject({
  model_type: z.literal('gpt2'),
  vocab_size: z.int().min(1).max(maxVocabSize),
  n_positions: size.optional(),
  n_ctx: size.optional(),
  n_embd: size,
  n_layer: size,
  n_head: size,
  n_inner: size.nullish(),
  activation_function: z.string().default('gelu_new'),
  layer_norm_epsilon: z.number().default(layerNormEps),
  scale_attn_weights: z.boolean().default(true),
  scale_attn_by_inverse_layer_idx: z.boolean().default(false),
  add_cross_attention: z.boolean().default(false),
});

/** Settings under which a model computes something else than we do, with the values that we do compute. */
const required: readonly (readonly [key: keyof z.infer<typeof schema>, values: readonly unknown[]])[] = [
  ['activation_function', ['gelu_new', 'gelu_pytorch_tanh']],
  ['layer_norm_epsilon', [layerNormEps]],
  ['scale_attn_weights', [true]],
  ['scale_attn_by_inverse_layer_idx', [false]],
  ['add_cross_attention', [false]],
];

/**
 * The dimensions in a Hugging Face `config.json`.
 * @param value what it holds
 * @param file name, for messages
 * @throws UserError that names the setting which is missing, wrong, or of a model that is computed otherwise
 */
export function parseConfig(value: unknown, file: string): ModelConfig {
  const type = (value as { model_type?: unknown } | null)?.model_type;
  if (type !== 'gpt2')
    throw new UserError(
      `${file}: model_type is ${type === undefined ? 'missing' : `wrong (${JSON.stringify(type)})`}: only GPT-2 models ("gpt2") can be read.`,
    );
  const result = schema.safeParse(value);
  if (!result.success) {
    const { name, message } = firstIssue(result.error, 'the whole');
    throw new UserError(`${file}: ${name} is wrong (${message}): only GPT-2 models can be read.`);
  }
  const c = result.data;
  for (const [key, values] of required) {
    if (values.includes(c[key])) continue;
    throw new UserError(
      `${file}: ${key} is ${JSON.stringify(c[key])}, and only ${values.join(' or ')} is computed here.`,
    );
  }
  if (typeof c.n_inner === 'number' && c.n_inner !== 4 * c.n_embd) {
    throw new UserError(`${file}: n_inner is ${c.n_inner}, and only 4 × n_embd (${4 * c.n_embd}) is computed here.`);
  }
  const contextLength = c.n_positions ?? c.n_ctx;
  if (contextLength === undefined) throw new UserError(`${file}: n_positions, the context length, is missing.`);
  const dimensions = {
    vocabSize: c.vocab_size,
    contextLength,
    nLayer: c.n_layer,
    nHead: c.n_head,
    nEmbd: c.n_embd,
    dropout: 0,
  };
  const model = modelConfigSchema.safeParse(dimensions);
  if (!model.success) {
    const issue = model.error.issues[0]!;
    throw new UserError(
      `${file}: a model with ${issue.path.join('.')} ${dimensions[issue.path[0] as keyof typeof dimensions]} can't be computed here (${plainIssue(issue.message)}).`,
    );
  }
  checkModelConfig(model.data);
  return model.data;
}

/** Tokens that begin and end a text. */
type TextEnds = Pick<Tokenizer, 'startOfText' | 'endOfText'>;

/** A model's `config.json`. @param dtype of the weights beside it */
export function configJson(c: ModelConfig, ends: TextEnds, dtype: 'float32' | 'float16' | 'bfloat16'): string {
  const config = {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    vocab_size: c.vocabSize,
    n_positions: c.contextLength,
    n_ctx: c.contextLength,
    n_embd: c.nEmbd,
    n_layer: c.nLayer,
    n_head: c.nHead,
    n_inner: null,
    activation_function: 'gelu_new',
    layer_norm_epsilon: layerNormEps,
    scale_attn_weights: true,
    attn_pdrop: c.dropout,
    embd_pdrop: c.dropout,
    resid_pdrop: c.dropout,
    initializer_range: 0.02,
    bos_token_id: ends.startOfText,
    eos_token_id: ends.endOfText,
    tie_word_embeddings: true,
    torch_dtype: dtype,
    use_cache: true,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** How a library generates text unless it is told otherwise. */
export const generationConfigJson = ({ startOfText, endOfText }: TextEnds): string =>
  `${JSON.stringify({ _from_model_config: true, bos_token_id: startOfText, eos_token_id: endOfText }, null, 2)}\n`;
