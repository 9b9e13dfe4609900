import { z } from 'zod';
import { mixSchema } from '../../data/sampling/mix.ts';
import { everything, subsetSchema } from '../../data/subsets.ts';
import { tokenizerNameSchema } from '../../data/tokenizers/types.ts';
import { SettingError, UsageError } from '../../base/errors.ts';
import { firstIssue, plainIssues } from '../../base/issues.ts';
import { type About, setting } from '../../base/setting.ts';
import { deviceFlags, deviceSchema, fallback, gpuKind } from '../devices/registry.ts';
import { checkPhases } from './checkPhases.ts';
import { checkModelConfig, modelConfigSchema, partialModelConfigSchema } from '../models/index.ts';
import {
  defaultNumbers,
  defaultOptimizer,
  describeOptimizers,
  exampleOptimizer,
  lowBitStates,
  type NumberSetting,
  optimizerKinds,
  optimizers,
  ownNumbers,
  sharedNumbers,
} from '../optimizers/index.ts';
import { recomputePolicies } from '../program/recorder.ts';
import { precisions } from '../program/types.ts';

const rate = z.number().min(0).max(10);
const steps = z.int().min(1).max(1e9);
const every = z.int().min(0);

/** How position embeddings reach further than those of the model that training begins with. */
export const positionExtensions = ['repeat', 'interpolate'] as const;
export type PositionExtension = (typeof positionExtensions)[number];

/** What is said of a number of optimizers. */
const aboutNumber = (
  { label, flags, help, default: absent }: NumberSetting,
  optimizers?: readonly string[],
): About => ({
  section: 'optimizer',
  label,
  flag: flags,
  help,
  absent: String(absent),
  ...(optimizers ? { only: { optimizers } } : {}),
});

/** A number that every run has. */
const shared = (name: keyof typeof sharedNumbers) =>
  setting(sharedNumbers[name].schema.default(sharedNumbers[name].default), aboutNumber(sharedNumbers[name]));

/** A number that only some optimizers have. Absent: its default. So the configs of others don't change with what there is. */
const own = (name: string, number: NumberSetting) =>
  setting(
    number.schema.optional(),
    aboutNumber(
      number,
      optimizers.filter((o) => o.numbers && name in o.numbers).map((o) => o.kind),
    ),
  );

setting(deviceSchema.shape.kind, {
  section: 'device',
  flag: '--device <kind>',
  label: 'Device',
  help: 'device',
  absent: `${gpuKind.kind} where there is a GPU that it can use, else ${fallback.kind}`,
});
for (const { flags, setting: name, help, label, kind, precision } of deviceFlags) {
  setting(deviceSchema.shape[name as keyof typeof deviceSchema.shape], {
    section: 'device',
    label: label ?? '',
    flag: flags,
    help,
    only: { devices: [kind], ...(precision ? { precision } : {}) },
  });
}

const maxBatch = 65536;

/** One stretch of training: how the learning rate goes, and for how long. */
export const phaseSchema = z
  .strictObject({
    kind: z.enum(['warmup', 'cosine', 'constant']),
    /** Length in steps, or in tokens (rounded up to whole steps): exactly one of them. */
    steps: steps.optional(),
    tokens: z.int().min(1).optional(),
    /**
     * Ends it after so many of its steps, with the rates that they have in the whole of it: so a run goes on with other
     * phases from where it was stopped.
     */
    endAfter: steps.optional(),
    /** Learning rate that it starts from: see `learningRateAt`. */
    from: rate,
    /** Learning rate of the last step of the whole phase; the same as `from` in a constant phase. */
    to: rate,
    /** The optimizer from this phase's first step on, where it is not the run's. */
    optimizer: z.enum(optimizerKinds).optional(),
    /** Each of these for this phase, where it is not the run's. */
    batch: z.int().min(1).max(maxBatch).optional(),
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
  .refine(
    (p) => p.kind !== 'constant' || p.from === p.to,
    'a constant phase has one LR: LR start and LR end must be equal',
  )
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
  subset: setting(subsetSchema.default(everything), {
    section: 'data',
    flag: '--subset <range>',
    reader: 'subset',
    label: 'Subset',
    help: 'subset of training documents (hash range)',
    absent: '0-100%',
  }),
  /** Several sources to train on, in the place of the dataset and its subset; it stays what is validated on. */
  mix: setting(mixSchema.optional(), {
    section: 'data',
    flag: '--mix <parts>',
    reader: 'mix',
    label: 'Mix',
    help: 'mix of datasets with subsets and weights, such as books@0-50%*3+web',
  }),
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
  seed: setting(z.int().min(0).default(1337), {
    section: 'training',
    flag: '--seed <n>',
    label: 'Seed',
    help: 'seed of weights, data order and samples',
  }),
  /** Sequences in a micro-batch: what is on the device at once. */
  batch: setting(z.int().min(1).max(maxBatch), {
    section: 'training',
    flag: '--batch <n>',
    label: 'Micro-batch size',
    help: 'sequences in a micro-batch',
    start: 8,
  }),
  /** Tokens of one optimizer step: a multiple of batch × context. */
  tokensPerStep: setting(z.int().min(1), {
    section: 'training',
    flag: '--tokens-per-step <n>',
    label: 'Tokens per step (global batch)',
    help: 'tokens per optimizer step (global batch)',
    absent: 'batch × context',
    start: 1024,
  }),
  phases: setting(z.array(phaseSchema).min(1), {
    section: 'training',
    flag: '--phase <spec...>',
    reader: 'phases',
    label: 'Phases',
    help: `kind:length:from[:to][:optimizer][:key=value …], e.g. warmup:100:0:1e-3, cosine:1900:1e-3:1e-4, constant:10Mtok:9e-5:${exampleOptimizer}:subset=50-80%; lengths: steps (500, 20k, 2Msteps) or tokens (10Mtok); keys: batch, eval, checkpoint, data, subset, mix, wait, end`,
  }),
  /** Version of the formula that gives the learning rates of the phases: see `parseStoredConfig`. */
  schedule: z.literal([1, 2]).default(2),
  optimizer: z
    .strictObject({
      kind: setting(z.enum(optimizerKinds).default(defaultOptimizer), {
        section: 'optimizer',
        flag: '--optimizer <kind>',
        label: 'Optimizer',
        help: describeOptimizers(),
      }),
      beta1: shared('beta1'),
      beta2: shared('beta2'),
      eps: shared('eps'),
      weightDecay: shared('weightDecay'),
      ...(Object.fromEntries(Object.entries(ownNumbers).map(([name, n]) => [name, own(name, n)])) as object),
      gradClip: setting(z.number().min(0).default(defaultNumbers.gradClip), {
        section: 'optimizer',
        flag: '--grad-clip <x>',
        label: 'Gradient clipping',
        help: 'max gradient norm (0 = off)',
      }),
      /** Whether low-bit optimizers keep what their papers' formulas harm in a better way. */
      lowBitStates: setting(z.enum(lowBitStates).default('stable'), {
        section: 'optimizer',
        flag: '--low-bit-states <kind>',
        label: 'Low-bit states',
        help: 'stable: float32 moments for embeddings, and 8-bit second moments stored as square roots; paper: the papers’ formulas throughout',
        only: { optimizers: optimizers.filter((o) => o.lowBit).map((o) => o.kind) },
      }),
    })
    .prefault({}),
  /** Of activations and working weights; master weights, sums and norms are float32. */
  precision: setting(z.enum(precisions).default('f32'), {
    section: 'training',
    flag: '--precision <type>',
    label: 'Precision',
    help: 'of activations and half-precision weights; master weights and sums are f32',
  }),
  recompute: setting(z.enum(recomputePolicies).default('none'), {
    section: 'training',
    flag: '--recompute <policy>',
    label: 'Activation checkpointing',
    help: 'activation checkpointing: what the backward pass recomputes to save memory',
  }),
  device: deviceSchema.prefault({}),
  evaluation: z
    .strictObject({
      /** Steps between validation losses; 0: only at the end. */
      every: setting(every.default(250), {
        section: 'evaluation',
        flag: '--eval-every <steps>',
        label: 'Validate every N steps (0 = at the end)',
        help: 'validate every N steps (0 = at the end)',
      }),
      /** Validation sequences each time, at most; spread evenly over the validation split. */
      sequences: setting(z.int().min(1).default(200), {
        section: 'evaluation',
        flag: '--eval-sequences <n>',
        label: 'Validation sequences',
        help: 'sequences per validation',
      }),
      /** The same of each dataset beside the run's own that its phases train on. */
      datasetSequences: setting(z.int().min(0).default(50), {
        section: 'evaluation',
        flag: '--eval-dataset-sequences <n>',
        label: 'Validation sequences per further dataset (0 = off)',
        help: 'sequences per validation of each further dataset of a mix (0 = off)',
      }),
      /** Steps between HellaSwag evaluations; 0: none. */
      hellaswagEvery: setting(every.default(0), {
        section: 'evaluation',
        flag: '--hellaswag-every <steps>',
        label: 'HellaSwag every N steps (0 = off)',
        help: 'HellaSwag every N steps (0 = off)',
      }),
      /** Items each time: the first of the validation set, which has 10,042. */
      hellaswagItems: setting(z.int().min(1).max(10_042).default(1000), {
        section: 'evaluation',
        flag: '--hellaswag-items <n>',
        label: 'HellaSwag items',
        help: 'items per HellaSwag evaluation, the first of 10,042',
      }),
    })
    .prefault({}),
  sampling: z
    .strictObject({
      /** Steps between samples, 0: only at the end; absent: with every checkpoint on the schedule. */
      every: setting(every.optional(), {
        section: 'sampling',
        flag: '--sample-every <steps>',
        label: 'Sample every N steps (blank: at checkpoints)',
        help: 'sample every N steps (0 = at the end)',
        absent: 'at checkpoints',
      }),
      prompts: setting(z.array(z.string()).default(['\n']), {
        section: 'sampling',
        flag: '--prompt <text...>',
        label: 'Prompts',
        help: 'sample prompts, taken literally',
        reader: 'texts',
      }),
      tokens: setting(z.int().min(0).default(120), {
        section: 'sampling',
        flag: '--sample-tokens <n>',
        label: 'Max new tokens (0 = no samples)',
        help: 'max new tokens per sample (0 = no samples)',
      }),
      temperature: setting(z.number().min(0).max(10).default(0.8), {
        section: 'sampling',
        flag: '--temperature <x>',
        label: 'Temperature',
        help: 'sampling temperature',
      }),
      topK: setting(z.int().min(0).default(0), {
        section: 'sampling',
        flag: '--top-k <n>',
        label: 'Top-k (0 = off)',
        help: 'sample from the k most likely tokens (0 = off)',
      }),
    })
    .prefault({}),
  guards: z
    .strictObject({
      /** A loss this many robust standard deviations above the median of the window is a spike; 0: none is. */
      spike: setting(z.number().min(0).default(12), {
        section: 'stability',
        flag: '--spike <z>',
        label: 'Spike threshold (robust std devs, 0 = off)',
        help: 'loss spike threshold in robust standard deviations (0 = off)',
      }),
      /** Spikes in a row after which the run goes back: one odd batch is no divergence. */
      spikeSteps: setting(z.int().min(1).default(5), {
        section: 'stability',
        flag: '--spike-steps <n>',
        label: 'Spikes in a row before rollback',
        help: 'spikes in a row before rolling back to a checkpoint',
      }),
      /** Steps that the median is taken over. */
      window: setting(z.int().min(5).max(10_000).default(100), {
        section: 'stability',
        flag: '--spike-window <steps>',
        label: 'Spike window (steps)',
        help: 'window of the median loss that spikes are measured from, in steps',
      }),
      /** Skipped steps in a row after which the run goes back to its last checkpoint. */
      maxSkips: setting(z.int().min(1).default(8), {
        section: 'stability',
        flag: '--max-skips <n>',
        label: 'Skipped steps in a row before rollback',
        help: 'skipped steps in a row before rolling back to a checkpoint',
      }),
      /** Recoveries without getting a window further after which the run fails. */
      maxRecoveries: setting(z.int().min(0).default(3), {
        section: 'stability',
        flag: '--max-recoveries <n>',
        label: 'Max rollbacks',
        help: 'rollbacks before the run fails',
      }),
    })
    .prefault({}),
  checkpoints: z
    .strictObject({
      /** Steps between checkpoints; 0: only at the end. */
      every: setting(every.default(500), {
        section: 'checkpoints',
        flag: '--checkpoint-every <steps>',
        label: 'Checkpoint every N steps (0 = at the end)',
        help: 'checkpoint every N steps (0 = at the end)',
      }),
      /** How many of the latest are kept; the one with the best validation loss is kept besides. */
      keepLast: setting(z.int().min(1).default(2), {
        section: 'checkpoints',
        flag: '--keep-last <n>',
        label: 'Latest checkpoints to keep (plus the best)',
        help: 'latest checkpoints to keep (plus the best)',
      }),
    })
    .prefault({}),
});

/** A config that leaves things out: a preset's, or a file's. The vocabulary comes from the tokenizer. */
export const partialRunConfigSchema = runConfigSchema.extend({ model: partialModelConfigSchema }).partial();

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
      problems.push({ path: error instanceof SettingError ? error.path : path, message: error.message });
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
    const { name, message } = firstIssue(result.error, 'the config');
    throw new UsageError(`Bad setting ${name}: ${message}.`);
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
      `Tokens per step (${config.tokensPerStep}) must be a multiple of batch × context (${config.batch} × ${config.model.contextLength} = ${micro}): for example ${below}.`,
    );
  }
}
