/** What each kind of job is asked for: the API takes it as it is kept. */
import { z } from 'zod';
import { parseWhere } from '../../data/formats/fields.ts';
import { subsetSchema } from '../../data/subsets.ts';
import { tokenizerNameSchema } from '../../data/tokenizers/types.ts';
import { UserError } from '../../base/errors.ts';
import type { DeviceChoice } from '../../engine/devices/choose.ts';
import { runDevices } from '../../engine/devices/registry.ts';
import { lowBitStates } from '../../engine/optimizers/index.ts';
import { exportDtypes, extraRows } from '../../exchange/huggingFace/index.ts';

export const runId = z.string().min(1).max(200);

/** What is to train: a kind of device, and of GPUs which one. */
export const deviceChoice = z.strictObject({
  kind: z.enum(runDevices),
  gpu: z.int().min(0).optional(),
}) satisfies z.ZodType<DeviceChoice>;

const folder = z.string().min(1).max(4096);
const datasetName = z.string().min(1).max(300);
const checkpoint = z.strictObject({ id: runId, step: z.int().min(0) });
/** `device`: to work on; without it the run's own, or what can be used where that can't. */
const onDevice = checkpoint.extend({ device: deviceChoice.optional() });

const filter = z
  .string()
  .max(10_000)
  .transform((written, { addIssue }) => {
    try {
      return parseWhere(written);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      addIssue('it must be FIELD=VALUE,VALUE…, with values that hold commas in quotes');
      return z.NEVER;
    }
  });

/** Files and folders (.txt, .md, .jsonl, .parquet, .gz, .zst) on the studio's machine, and how they become a dataset. */
export const tokenizeInput = z.strictObject({
  paths: z.array(z.string().min(1).max(4096)).min(1).max(10_000),
  tokenizer: tokenizerNameSchema,
  valFraction: z.number().gt(0).lt(1).optional(),
  /** Of lines that are objects: the field with the text, fields that must have one of some values, documents by hash. */
  textField: z.string().min(1).max(200).optional(),
  where: z
    .array(z.strictObject({ path: z.string().min(1).max(200), values: z.array(z.string().max(1000)).max(1000) }))
    .max(20)
    .optional(),
  /** Another such field, as it is written: `FIELD=VALUE,VALUE…`. */
  filter: filter.optional(),
  subset: subsetSchema.optional(),
  maxBad: z.number().min(0).max(1).optional(),
  /** Of the dataset. Default: one that says what it is made of. */
  name: datasetName.optional(),
  /** What stands between documents in text files: a literal separator, or `blank-lines`. */
  splitOn: z.string().min(1).max(1000).optional(),
  /** Goes on without files that can't be read. */
  skipBadFiles: z.boolean().optional(),
});

export const verifyInput = z.strictObject({ name: datasetName });

export const generateInput = onDevice.extend({
  prompt: z.string().max(100_000),
  maxTokens: z.int().min(1).max(100_000),
  temperature: z.number().min(0).max(10),
  topK: z.int().min(0).max(65536),
  topP: z.number().gt(0).max(1),
  repetitionPenalty: z.number().min(0.01).max(100).default(1),
  stop: z.array(z.string().min(1).max(1000)).max(20).default([]),
  seed: z.int().min(0),
});

/** The validation loss of a checkpoint over a number of sequences. */
export const validationInput = onDevice.extend({
  sequences: z.int().min(1).max(1_000_000),
  /** Whose validation split is taken, where it is not the run's own. */
  dataset: datasetName.optional(),
});

/** The first items of the validation set, which is fetched if it is not there, or of another file. */
export const hellaswagInput = onDevice.extend({
  items: z.int().min(1).max(1_000_000),
  file: z.string().max(4096).optional(),
});

const ofPinned = <Kind extends string>(kind: Kind) => ({
  kind: z.literal(kind),
  /** The run; absent: all of them. */
  run: runId.optional(),
});

/** An evaluation of every pinned checkpoint. */
export const evaluateAllInput = z.discriminatedUnion('kind', [
  validationInput.omit({ id: true, step: true }).extend(ofPinned('validation')),
  hellaswagInput.omit({ id: true, step: true }).extend(ofPinned('hellaswag')),
]);

export const importInput = z.strictObject({
  dir: folder,
  name: z.string().max(200),
  /** Of its tokenizer, what can't be seen in the folder; see ImportOptions. */
  extraRows: z.enum(extraRows).optional(),
  tokenizer: tokenizerNameSchema.optional(),
  endOfText: z.string().min(1).max(200).optional(),
});

export const exportInput = checkpoint.extend({
  dir: folder,
  dtype: z.enum(exportDtypes),
  license: z.string().max(100).optional(),
  language: z.array(z.string().min(1).max(20)).max(50).optional(),
  author: z.string().max(200).optional(),
  notes: z.string().max(100_000).optional(),
  force: z.boolean().default(false),
});

/** `device`, `lowBitStates`: others than the run's, from here on. */
export const trainInput = z.strictObject({
  id: runId,
  device: deviceChoice.optional(),
  lowBitStates: z.enum(lowBitStates).optional(),
});

export type TokenizeInput = z.output<typeof tokenizeInput>;
export type VerifyInput = z.output<typeof verifyInput>;
export type GenerateInput = z.output<typeof generateInput>;
export type ValidationInput = z.output<typeof validationInput>;
export type HellaswagInput = z.output<typeof hellaswagInput>;
export type EvaluateAllInput = z.output<typeof evaluateAllInput>;
export type ImportInput = z.output<typeof importInput>;
export type ExportInput = z.output<typeof exportInput>;
export type TrainInput = z.output<typeof trainInput>;
