import { formatCount, formatShort, plural } from '../../base/format.ts';
import { type ModelConfig, parameterCount } from '../../engine/models/index.ts';
import type { JobInput, JobKind } from './jobs.ts';

const named = (model: ModelConfig): string => `a model of ${formatShort(parameterCount(model))} parameters`;

/** What a question is called by: not by what it is held against. */
type Described<K extends JobKind> = Omit<JobInput<K>, 'budget'>;

/** What a question is called among the jobs. */
const titles: { readonly [K in JobKind]: (input: Described<K>) => string } = {
  plan: ({ config }) => `Plan the memory of ${named(config.model)}`,
  matrix: ({ config }) => `Plan the memory of ${named(config.model)} with all settings`,
  solve: ({ config, dimension }) => `Find the largest ${dimension} that fits, for ${named(config.model)}`,
  draft: ({ config }) => `Check whether ${named(config.model)} can be trained`,
  admit: ({ config }) => `Check whether ${named(config.model)} can be trained`,
  time: ({ config }) => `Estimate the training time of ${named(config.model)}`,
  suggest: ({ hours, contextLength }) =>
    `Find what can be trained in ${plural(hours, 'hour')} at a context of ${formatCount(contextLength)}`,
  measure: () => 'Measure the speed of this machine',
};

export const describePlan = <K extends JobKind>(kind: K, input: Described<K>): string => titles[kind](input);
