import { z } from 'zod';
import { modelConfigSchema } from '../../engine/gpt2/config.ts';
import { lowBitStates, optimizerKinds } from '../../engine/optimizers/index.ts';
import { precisions } from '../../engine/program/types.ts';
import type { GpuView, MatrixReport, PlanReport } from '../types.ts';
import { answers, procedure } from './base.ts';
import { budgetSchema } from './drafts.ts';

const fitConfig = z.strictObject({
  model: modelConfigSchema,
  batch: z.int().min(1).max(65536),
  precision: z.enum(precisions),
  recompute: z.enum(['none', 'attention', 'block']),
  optimizer: z.enum(optimizerKinds),
  lowBitStates: z.enum(lowBitStates).default('stable'),
});
const question = z.strictObject({ config: fitConfig, budget: budgetSchema });

/** The VRAM calculator. */
export const fit = {
  gpus: procedure.output(answers<GpuView[]>()),
  plan: procedure.input(question).output(answers<PlanReport>()),
  matrix: procedure.input(question).output(answers<MatrixReport>()),
  /** The largest value of a dimension that fits; 0 when not even 1 does. */
  solve: procedure
    .input(question.extend({ dimension: z.enum(['layers', 'context', 'batch']) }))
    .output(answers<{ value: number }>()),
};
