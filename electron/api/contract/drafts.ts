import { z } from 'zod';
import type { DraftReport, PresetView, Setting, TimeReport } from '../types.ts';
import { answers, procedure } from './base.ts';

/** Memory that a plan is held against: a GPU of the table, a size, or what this machine has: for a run, or on one of its GPUs. */
export const budgetSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('machine'), gpu: z.int().min(0).optional() }),
  z.strictObject({ kind: z.literal('gpu'), id: z.string().max(50), reserveMiB: z.number().min(0).max(1e6) }),
  z.strictObject({
    kind: z.literal('memory'),
    gib: z.number().positive().max(1e6),
    reserveMiB: z.number().min(0).max(1e6),
  }),
]);

const draft = z.strictObject({ config: z.record(z.string(), z.unknown()), budget: budgetSchema });

/** A run that is being put together. */
export const drafts = {
  presets: procedure.output(answers<PresetView[]>()),
  /** Every setting that a run can be given, and what is said of it. */
  settings: procedure.output(answers<readonly Setting[]>()),
  /** How long a config trains: here, and on the GPU that it is held against. Null while something is wrong with it. */
  time: procedure.input(draft).output(answers<TimeReport | null>()),
  /** Times a few steps of a config here, in a process that ends when its window asks something else. */
  measure: procedure.input(draft).output(answers<TimeReport | null>()),
  /** All that follows from a config: its problems, its phases and their rates, and its memory. */
  check: procedure
    .input(
      z.strictObject({
        config: z.record(z.string(), z.unknown()),
        budget: budgetSchema,
        step: z.int().min(0).default(0),
      }),
    )
    .output(answers<DraftReport>()),
};
