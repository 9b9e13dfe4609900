import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import type { EvalRow, EvaluationUpdate, HellaswagUpdate, PublishedRun, Written } from '../types.ts';
import { answers, procedure, runId } from './base.ts';

const checkpoint = z.strictObject({ id: runId, step: z.int().min(0) });

/** What is done with the weights of a checkpoint, whether or not its run trains. */
export const models = {
  /** Continues a prompt. Yields pieces of text, and a notice when the context is full; cancelled by leaving. */
  generate: procedure
    .input(
      checkpoint.extend({
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
    .input(checkpoint.extend({ sequences: z.int().min(1).max(1_000_000) }))
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
    .input(checkpoint.extend({ items: z.int().min(1).max(1_000_000), file: z.string().max(4096).optional() }))
    .output(eventIterator(answers<HellaswagUpdate>())),
  /** Runs that others have published, to compare with. */
  published: procedure.output(answers<PublishedRun[]>()),
};
