import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import { tokenizerNameSchema } from '../../data/tokenizers/types.ts';
import { exportDtypes, extraRows } from '../../exchange/huggingFace/index.ts';
import type { EvalRow, EvaluationUpdate, HellaswagUpdate, PublishedRun, Written } from '../types.ts';
import { answers, deviceChoice, nothing, procedure, runId } from './base.ts';

const folder = z.string().min(1).max(4096);
const checkpoint = z.strictObject({ id: runId, step: z.int().min(0) });
/** `device`: to work on; without it the run's own, or what can be used where that can't. */
const job = checkpoint.extend({ device: deviceChoice.optional() });

/** What is done with the weights of a checkpoint, whether or not its run trains. */
export const models = {
  /** Continues a prompt. Yields pieces of text, and a notice when the context is full; cancelled by leaving. */
  generate: procedure
    .input(
      job.extend({
        prompt: z.string().max(100_000),
        maxTokens: z.int().min(1).max(100_000),
        temperature: z.number().min(0).max(10),
        topK: z.int().min(0).max(65536),
        topP: z.number().gt(0).max(1),
        repetitionPenalty: z.number().min(0.01).max(100).default(1),
        stop: z.array(z.string().min(1).max(1000)).max(20).default([]),
        seed: z.int().min(0),
      }),
    )
    .output(eventIterator(answers<Written>())),
  /** The validation loss of a checkpoint over a number of sequences. Ends with it; cancelled by leaving. */
  evaluate: procedure
    .input(job.extend({ sequences: z.int().min(1).max(1_000_000), dataset: z.string().min(1).max(300).optional() }))
    .output(eventIterator(answers<EvaluationUpdate>())),
  /** All evaluations, run by run, the latest step first. */
  evals: procedure.output(answers<EvalRow[]>()),
  /** The table of evaluations as a file. */
  exportEvals: procedure.input(z.strictObject({ format: z.enum(['csv', 'markdown']) })).output(answers<string>()),
  /**
   * HellaSwag on the first items of the validation set, which is fetched if it is not there, or of another file. Ends with
   * the accuracy; cancelled by leaving: what is done is kept.
   */
  hellaswag: procedure
    .input(job.extend({ items: z.int().min(1).max(1_000_000), file: z.string().max(4096).optional() }))
    .output(eventIterator(answers<HellaswagUpdate>())),
  /** Makes a run of a Hugging Face GPT-2 folder on the studio's machine. @returns the run's id, and what people should know of it */
  import: procedure
    .input(
      z.strictObject({
        dir: folder,
        name: z.string().max(200),
        /** Of its tokenizer, what can't be seen in the folder; see ImportOptions. */
        extraRows: z.enum(extraRows).optional(),
        tokenizer: tokenizerNameSchema.optional(),
        endOfText: z.string().min(1).max(200).optional(),
      }),
    )
    .output(answers<{ id: string; notices: readonly string[] }>()),
  /** Writes a checkpoint as such a folder, with tokenizer and model card. */
  export: procedure
    .input(
      checkpoint.extend({
        dir: folder,
        dtype: z.enum(exportDtypes),
        license: z.string().max(100).optional(),
        language: z.array(z.string().min(1).max(20)).max(50).optional(),
        author: z.string().max(200).optional(),
        notes: z.string().max(100_000).optional(),
        force: z.boolean().default(false),
      }),
    )
    .output(nothing),
  /** Runs that others have published, to compare with. */
  published: procedure.output(answers<PublishedRun[]>()),
};
