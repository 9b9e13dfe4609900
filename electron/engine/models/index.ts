import { z } from 'zod';
import { elements } from '../program/types.ts';
import { gpt2 } from './gpt2/index.ts';
import type { ModelConfig, ModelConfigInput, ModelFamily } from './model.ts';
import type { ParameterSpec } from './parameters.ts';

export type { ModelConfig, ModelConfigInput } from './model.ts';

/** Every model family. The first is that of configs which name none. */
export const families = [gpt2] as const satisfies readonly ModelFamily[];

const byName: ReadonlyMap<string, ModelFamily> = new Map<string, ModelFamily>(families.map((f) => [f.name, f]));
const [defaultFamily] = families;

/** @throws Error when no family has the config's name: its schema did not see it */
export function familyOf({ family = defaultFamily.name }: Pick<ModelConfig, 'family'>): ModelFamily {
  const found = byName.get(family);
  if (!found) throw new Error(`there is no model family ${family}`);
  return found;
}

/** One schema for each family, told apart by its name. */
function ofAnyFamily<T>(schemaOf: (family: ModelFamily) => z.ZodObject): z.ZodType<T, T> {
  const [first, ...rest] = families.map((f: ModelFamily) => {
    const name = z.literal(f.name);
    return schemaOf(f).extend({ family: f.name === defaultFamily.name ? name.optional() : name });
  });
  const error = `it is no model family: ${families.map(({ name }) => name).join(', ')}`;
  return z.discriminatedUnion('family', [first!, ...rest], { error }) as unknown as z.ZodType<T, T>;
}

/** The shape of a model. */
export const modelConfigSchema = ofAnyFamily(({ configSchema }) => configSchema) as unknown as z.ZodType<
  ModelConfig,
  ModelConfigInput
>;

/** A model's shape with gaps; the vocabulary comes from the tokenizer. */
export const partialModelConfigSchema = ofAnyFamily<Partial<Omit<ModelConfig, 'vocabSize'>>>(({ configSchema }) =>
  configSchema.omit({ vocabSize: true }).partial(),
);

/** @throws UsageError when the dimensions can't make a model */
export const checkModelConfig = (config: ModelConfig): void => familyOf(config).check(config);

/** Every parameter of a model in the order of its use. */
export const parameterTable = (config: ModelConfig): ParameterSpec[] => familyOf(config).parameterTable(config);

/** Padding not counted. */
export const parameterCount = (config: ModelConfig): number =>
  parameterTable(config).reduce((sum, { fileShape }) => sum + elements(fileShape), 0);

/** Model FLOPs to train on one token: see `ModelFamily`. */
export const modelFlopsPerToken = (config: ModelConfig, contextLength: number): number =>
  familyOf(config).flopsPerToken(config, contextLength);
