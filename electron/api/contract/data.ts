import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import type { DatasetLook, DatasetView, PrepareUpdate } from '../types.ts';
import { answers, nothing, procedure } from './base.ts';

const name = z.string().min(1).max(300);

export const data = {
  list: procedure.output(answers<DatasetView[]>()),
  /** Makes a dataset of text files and folders on the studio's machine. Ends with its name; cancelled by leaving. */
  prepare: procedure
    .input(
      z.strictObject({
        paths: z.array(z.string().min(1).max(4096)).min(1).max(10_000),
        tokenizer: z.enum(['gpt2', 'bytes']),
        valFraction: z.number().gt(0).lt(1).default(0.1),
      }),
    )
    .output(eventIterator(answers<PrepareUpdate>())),
  /** Decoded tokens, as a model is given them. */
  look: procedure
    .input(
      z.strictObject({ name, split: z.enum(['train', 'val']), at: z.int().min(0), tokens: z.int().min(1).max(4096) }),
    )
    .output(answers<DatasetLook>()),
  /** Deletes a dataset that no run uses. */
  remove: procedure.input(z.strictObject({ name })).output(nothing),
};
