import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import { parseWhere } from '../../data/corpus/fields.ts';
import { subsetSchema } from '../../data/subsets.ts';
import { tokenizerNameSchema } from '../../data/tokenizers/types.ts';
import { UserError } from '../../errors.ts';
import type {
  DatasetCheck,
  DatasetLook,
  DatasetView,
  PrepareUpdate,
  TokenizerChoice,
  UnfinishedView,
} from '../types.ts';
import { answers, nothing, procedure } from './base.ts';

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
const name = z.string().min(1).max(300);

export const data = {
  list: procedure.output(answers<DatasetView[]>()),
  /** Those that text can be made tokens with: GPT-2's, bytes, and those that came with models. */
  tokenizers: procedure.output(answers<TokenizerChoice[]>()),
  /** Makes a dataset of files and folders (.txt, .md, .jsonl, .parquet, .gz, .zst) on the studio's machine. Ends with its name; cancelled by leaving. */
  prepare: procedure
    .input(
      z.strictObject({
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
        name: name.optional(),
        /** What stands between documents in text files: a literal separator, or `blank-lines`. */
        splitOn: z.string().min(1).max(1000).optional(),
        /** Goes on without files that can't be read. */
        skipBadFiles: z.boolean().optional(),
      }),
    )
    .output(eventIterator(answers<PrepareUpdate>())),
  /** Decoded tokens, as a model is given them. */
  look: procedure
    .input(
      z.strictObject({ name, split: z.enum(['train', 'val']), at: z.int().min(0), tokens: z.int().min(1).max(4096) }),
    )
    .output(answers<DatasetLook>()),
  /** Those that are being made, and those that were left in the middle. */
  unfinished: procedure.output(answers<UnfinishedView[]>()),
  /** Reads all of a dataset against its checksums. */
  verify: procedure.input(z.strictObject({ name })).output(answers<DatasetCheck>()),
  /** Deletes a dataset that no run uses, or what was made of one. */
  remove: procedure.input(z.strictObject({ name })).output(nothing),
};
