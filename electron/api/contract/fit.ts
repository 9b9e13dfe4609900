import { z } from 'zod';
import { modelConfigSchema } from '../../engine/models/index.ts';
import { defaultOptimizer, lowBitStates, optimizerKinds } from '../../engine/optimizers/index.ts';
import { precisions } from '../../engine/program/types.ts';
import type { GpuView, MatrixReport, PlanReport, SuggestReport } from '../types.ts';
import { answers, procedure } from './base.ts';
import { budgetSchema } from './drafts.ts';

const fitConfig = z.strictObject({
  model: modelConfigSchema,
  batch: z.int().min(1).max(65536),
  precision: z.enum(precisions),
  recompute: z.enum(['none', 'attention', 'block']),
  optimizer: z.enum(optimizerKinds).default(defaultOptimizer),
  lowBitStates: z.enum(lowBitStates).default('stable'),
});
const question = z.strictObject({ config: fitConfig, budget: budgetSchema });

/** The VRAM calculator. */
export const fit = {
  gpus: procedure.output(answers<GpuView[]>()),
  plan: procedure.input(question).output(answers<PlanReport>()),
  matrix: procedure.input(question).output(answers<MatrixReport>()),
  /** What a GPU or this machine can train in a time, best first. */
  suggest: procedure
    .input(
      z.strictObject({
        budget: budgetSchema,
        contextLength: z.int().min(1).max(1_048_576),
        tokenizer: z.enum(['gpt2', 'bytes']),
        hours: z.number().positive().max(100_000),
      }),
    )
    .output(answers<SuggestReport>()),
  /** The largest value of a dimension that fits; 0 when not even 1 does. */
  solve: procedure
    .input(question.extend({ dimension: z.enum(['layers', 'context', 'batch']) }))
    .output(answers<{ value: number }>()),
};
