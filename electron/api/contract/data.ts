import { z } from 'zod';
import { tokenizeInput, verifyInput } from '../../studio/jobs/inputs.ts';
import type { DatasetLook, DatasetView, TextPreview, TokenizerChoice, UnfinishedView } from '../types.ts';
import { answers, started, nothing, procedure } from './base.ts';

const name = z.string().min(1).max(300);

export const data = {
  list: procedure.output(answers<DatasetView[]>()),
  /** Those that text can be made tokens with: GPT-2's, bytes, and those that came with models. */
  tokenizers: procedure.output(answers<TokenizerChoice[]>()),
  /** What tokenizing would read: files, first documents, problems. */
  previewText: procedure.input(tokenizeInput).output(answers<TextPreview>()),
  /** Makes a dataset of text. */
  prepare: procedure.input(tokenizeInput).output(started),
  /** Decoded tokens, as a model is given them. */
  look: procedure
    .input(
      z.strictObject({ name, split: z.enum(['train', 'val']), at: z.int().min(0), tokens: z.int().min(1).max(4096) }),
    )
    .output(answers<DatasetLook>()),
  /** Those that are being made, and those that were left in the middle. */
  unfinished: procedure.output(answers<UnfinishedView[]>()),
  /** Reads all of a dataset against its checksums. */
  verify: procedure.input(verifyInput).output(started),
  /** Deletes a dataset that no run uses, or what was made of one. */
  remove: procedure.input(z.strictObject({ name })).output(nothing),
};
