import { z } from 'zod';
import type { DraftReport, PresetView } from '../types.ts';
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

/** A run that is being put together. */
export const drafts = {
  presets: procedure.output(answers<PresetView[]>()),
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
