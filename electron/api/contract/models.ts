import { z } from 'zod';
import type { Submitted } from '../../studio/jobs/evaluateAll.ts';
import {
  evaluateAllInput,
  exportInput,
  generateInput,
  hellaswagInput,
  importInput,
  validationInput,
} from '../../studio/jobs/inputs.ts';
import type { EvalRow, PublishedRun } from '../types.ts';
import { answers, started, procedure } from './base.ts';

/** What is done with the weights of a checkpoint, whether or not its run trains. */
export const models = {
  /** Continues a prompt. */
  generate: procedure.input(generateInput).output(started),
  /** The validation loss of a checkpoint over a number of sequences. */
  evaluate: procedure.input(validationInput).output(started),
  /** All evaluations, run by run, the latest step first. */
  evals: procedure.output(answers<EvalRow[]>()),
  /** The table of evaluations as a file. */
  exportEvals: procedure.input(z.strictObject({ format: z.enum(['csv', 'markdown']) })).output(answers<string>()),
  /** HellaSwag of a checkpoint; items that are done are not done again. */
  hellaswag: procedure.input(hellaswagInput).output(started),
  /** One of these of every pinned checkpoint: of a run, or of all. */
  evaluateAll: procedure.input(evaluateAllInput).output(answers<Submitted>()),
  /** Makes a run of a Hugging Face GPT-2 folder on the studio's machine. */
  import: procedure.input(importInput).output(started),
  /** Writes a checkpoint as such a folder, with tokenizer and model card. */
  export: procedure.input(exportInput).output(started),
  /** Runs that others have published, to compare with. */
  published: procedure.output(answers<PublishedRun[]>()),
};
