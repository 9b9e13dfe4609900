import { z } from 'zod';
import { mixSchema } from '../data/mix.ts';
import { everything, subsetSchema } from '../data/subsets.ts';
import { tokenizerNameSchema } from '../data/tokenizers/types.ts';
import { UsageError } from '../errors.ts';
import { plainIssues } from '../issues.ts';
import { checkPhases } from './checkPhases.ts';
import { checkModelConfig, modelConfigSchema } from './gpt2/config.ts';
import { lowBitStates, optimizerKinds, usualNumbers } from './optimizers/index.ts';
import { recomputePolicies } from './program/recorder.ts';
import { precisions } from './program/types.ts';
import { positionExtensions } from './trainer/positions.ts';

const rate = z.number().min(0).max(10);
const steps = z.int().min(1).max(1e9);
const every = z.int().min(0);

/** What can train. */
export const runDevices = ['cpu', 'cuda', 'tfjs'] as const;
export type RunDevice = (typeof runDevices)[number];

const batch = z.int().min(1).max(65536);

/** One stretch of training: how the learning rate goes, and for how long. */
export const phaseSchema = z
  .strictObject({
    kind: z.enum(['warmup', 'cosine', 'constant']),
    /** Length in steps, or in tokens (rounded up to whole steps): exactly one of them. */
    steps: steps.optional(),
    tokens: z.int().min(1).optional(),
    /** Learning rate that it starts from: see `learningRateAt`. */
    from: rate,
    /** Learning rate of the last step; the same as `from` in a constant phase. */
    to: rate,
    /** The optimizer from this phase's first step on, where it is not the run's. */
    optimizer: z.enum(optimizerKinds).optional(),
    /** Each of these for this phase, where it is not the run's. */
    batch: batch.optional(),
    evaluateEvery: every.optional(),
    checkpointEvery: every.optional(),
    dataset: z.string().min(1).optional(),
    subset: subsetSchema.optional(),
    /** Several sources, in the place of `dataset` and `subset`. */
    mix: mixSchema.optional(),
    /** Whether it waits for its data, where that is being prepared still; else it must be there when the run begins. */
    wait: z.boolean().optional(),
  })
  .refine(
    (p) => (p.steps === undefined) !== (p.tokens === undefined),
    'give the length in steps or in tokens, not both',
  )
  .refine(
    (p) => p.mix === undefined || (p.dataset === undefined && p.subset === undefined),
    'give a mix, or a dataset and a subset, not both',
  )
  .refine((p) => p.kind !== 'constant' || p.from === p.to, 'a constant phase has one rate: from and to must be equal')
  .refine((p) => p.kind !== 'warmup' || p.from <= p.to, {
    message: 'a warmup rises: LR start must be ≤ LR end',
    path: ['to'],
  })
  .refine((p) => p.kind !== 'cosine' || p.from >= p.to, {
    message: 'a cosine decays: LR start must be ≥ LR end',
    path: ['to'],
  });

export type Phase = z.infer<typeof phaseSchema>;

/** Everything that decides what a run computes, and what it reports on its way. */
export const runConfigSchema = z.strictObject({
  model: modelConfigSchema,
  /** Name of a prepared dataset: what is trained on, and what the validation loss is taken over. */
  dataset: z.string().min(1),
  /** The training documents that are used, by a hash of their text. */
  subset: subsetSchema.default(everything),
  /** Several sources to train on, in the place of the dataset and its subset; it stays what is validated on. */
  mix: mixSchema.optional(),
  tokenizer: tokenizerNameSchema,
  /** The weights that training begins with, where they are not drawn: those of a checkpoint. */
  init: z
    .strictObject({
      run: z.string().min(1),
      step: z.int().min(0),
      /** How positions reach further, where the context is longer than that model's. */
      positions: z.enum(positionExtensions).optional(),
    })
    .optional(),
  seed: z.int().min(0).default(1337),
  /** Sequences in a micro-batch: what is on the device at once. */
  batch,
  /** Tokens of one optimizer step: a multiple of batch × context. */
  tokensPerStep: z.int().min(1),
  phases: z.array(phaseSchema).min(1),
  /** Version of the formula that gives the learning rates of the phases: see `parseStoredConfig`. */
  schedule: z.literal([1, 2]).default(2),
  optimizer: z
    .strictObject({
      kind: z.enum(optimizerKinds).default('adamw'),
      beta1: z.number().min(0).lt(1).default(usualNumbers.beta1),
      beta2: z.number().min(0).lt(1).default(usualNumbers.beta2),
      eps: z.number().positive().default(usualNumbers.eps),
      weightDecay: z.number().min(0).max(1).default(usualNumbers.weightDecay),
      gradClip: z.number().min(0).default(usualNumbers.gradClip),
      /** Whether low-bit optimizers keep what their papers' formulas harm in a better way. */
      lowBitStates: z.enum(lowBitStates).default('stable'),
    })
    .prefault({}),
  /** Of activations and working weights; master weights, sums and norms are float32. */
  precision: z.enum(precisions).default('f32'),
  recompute: z.enum(recomputePolicies).default('none'),
  device: z
    .strictObject({
      kind: z.enum(runDevices).default('cpu'),
      /** Default: the cores of the machine. The bits of a run do not depend on it. */
      threads: z.int().min(1).max(1024).optional(),
      /** Of cuda: which GPU, as CUDA counts them. Default: the first. */
      gpu: z.int().min(0).optional(),
      /** Of cuda: whether float32 products are taken by tensor cores, of factors rounded to 10 bits of fraction. */
      tf32: z.boolean().optional(),
    })
    .prefault({}),
  evaluation: z
    .strictObject({
      /** Steps between validation losses; 0: only at the end. */
      every: every.default(250),
      /** Validation sequences each time, at most; spread evenly over the validation split. */
      sequences: z.int().min(1).default(200),
      /** Steps between HellaSwag evaluations; 0: none. */
      hellaswagEvery: every.default(0),
      /** Items each time: the first of the validation set, which has 10,042. */
      hellaswagItems: z.int().min(1).max(10_042).default(1000),
    })
    .prefault({}),
  sampling: z
    .strictObject({
      /** Steps between samples, 0: only at the end; absent: with every checkpoint on the schedule. */
      every: every.optional(),
      prompts: z.array(z.string()).default(['\n']),
      tokens: z.int().min(0).default(120),
      temperature: z.number().min(0).max(10).default(0.8),
      topK: z.int().min(0).default(0),
    })
    .prefault({}),
  guards: z
    .strictObject({
      /** A loss this many robust standard deviations above the median of the window is a spike; 0: none is. */
      spike: z.number().min(0).default(12),
      /** Spikes in a row after which the run goes back: one odd batch is no divergence. */
      spikeSteps: z.int().min(1).default(5),
      /** Steps that the median is taken over. */
      window: z.int().min(5).max(10_000).default(100),
      /** Skipped steps in a row after which the run goes back to its last checkpoint. */
      maxSkips: z.int().min(1).default(8),
      /** Recoveries without getting a window further after which the run fails. */
      maxRecoveries: z.int().min(0).default(3),
    })
    .prefault({}),
  checkpoints: z
    .strictObject({
      /** Steps between checkpoints; 0: only at the end. */
      every: every.default(500),
      /** How many of the latest are kept; the one with the best validation loss is kept besides. */
      keepLast: z.int().min(1).default(2),
    })
    .prefault({}),
});

/** A config that leaves things out: a preset's, or a file's. The vocabulary comes from the tokenizer. */
export const partialRunConfigSchema = runConfigSchema
  .extend({ model: modelConfigSchema.omit({ vocabSize: true }).partial() })
  .partial();

export type RunConfig = z.infer<typeof runConfigSchema>;
export type RunConfigInput = z.input<typeof runConfigSchema>;

/** What is wrong with a config, and where: the path of a setting such as `phases.0.steps`, empty for the whole. */
export interface ConfigProblem {
  readonly path: string;
  readonly message: string;
}

/** Validates a run's config and fills in defaults, or says all that is wrong with it. */
export function checkRunConfig(input: unknown): { config: RunConfig } | { problems: ConfigProblem[] } {
  const result = runConfigSchema.safeParse(input);
  if (!result.success) {
    return { problems: plainIssues(result.error.issues) };
  }
  const problems: ConfigProblem[] = [];
  for (const [path, check] of checks) {
    try {
      check(result.data);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      problems.push({ path, message: error.message });
    }
  }
  return problems.length > 0 ? { problems } : { config: result.data };
}

/** What no schema of a single setting can see, by the setting at which it is shown. */
const checks: readonly (readonly [path: string, (config: RunConfig) => void])[] = [
  ['model', (config) => checkModelConfig(config.model)],
  ['tokensPerStep', checkTokensPerStep],
  ['phases', checkPhases],
];

/**
 * Validates a run's config and fills in defaults.
 * @throws UsageError: one line that names the setting and what is wrong with it
 */
export function parseRunConfig(input: unknown): RunConfig {
  const result = runConfigSchema.safeParse(input);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    const where = issue.path.length ? issue.path.join('.') : 'the config';
    throw new UsageError(`Bad setting ${where}: ${issue.message}.`);
  }
  for (const [, check] of checks) check(result.data);
  return result.data;
}

/**
 * Validates the config of a run that was made before. Where an earlier version made it, it says nothing of the formula of its
 * learning rates, and keeps the first one: each phase trains its first step at `from`.
 * @throws UsageError as `parseRunConfig` does
 */
export const parseStoredConfig = (stored: object): RunConfig => parseRunConfig({ schedule: 1, ...stored });

function checkTokensPerStep(config: RunConfig): void {
  const micro = config.batch * config.model.contextLength;
  if (config.tokensPerStep % micro !== 0) {
    const below = Math.max(1, Math.floor(config.tokensPerStep / micro)) * micro;
    throw new UsageError(
      `Tokens a step (${config.tokensPerStep}) must be a multiple of batch × context (${config.batch} × ${config.model.contextLength} = ${micro}): for example ${below}.`,
    );
  }
}
