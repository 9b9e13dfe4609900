import { z } from 'zod';
import { runId } from '../../studio/jobs/inputs.ts';
import type { GenerationView, WrittenToken } from '../types.ts';
import { answers, nothing, procedure } from './base.ts';

const id = z.int().min(1);

/** Texts that somebody had checkpoints write, on any page or terminal: the history of the playground. */
export const samples = {
  /** The latest first; `before`: those that are older than this one. */
  history: procedure
    .input(
      z.strictObject({
        run: runId.optional(),
        contains: z.string().max(1000).default(''),
        before: id.optional(),
        limit: z.int().min(1).max(200).default(30),
      }),
    )
    .output(answers<GenerationView[]>()),
  /** How the tokens of one were chosen. */
  tokens: procedure.input(z.strictObject({ id })).output(answers<readonly WrittenToken[]>()),
  /** Forgets these, or all. */
  forget: procedure.input(z.strictObject({ ids: z.array(id).min(1).max(1000).optional() })).output(nothing),
};
