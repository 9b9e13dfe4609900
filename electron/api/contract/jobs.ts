import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import type { JobLogLine, JobsUpdate, JobView } from '../types.ts';
import { answers, nothing, procedure, started } from './base.ts';

const byId = z.strictObject({ id: z.int().min(1) });

/** Work that takes longer than a moment, whoever asked for it: closing a window ends none of it. */
export const jobs = {
  /** Those that run and wait, in order, then those that ended, the latest first. */
  list: procedure.output(answers<JobView[]>()),
  /** What changed in that list: first all of it, then what is new. */
  watchList: procedure.output(eventIterator(answers<JobsUpdate>())),
  /** A job now and whenever it changes, until it ends. */
  watch: procedure.input(byId).output(eventIterator(answers<JobView>())),
  log: procedure.input(byId).output(answers<JobLogLine[]>()),
  /** Ends a job; what is done of it is kept where it can go on. */
  cancel: procedure.input(byId).output(nothing),
  /** Ends all of these; those that have ended stay as they are. */
  cancelAll: procedure.input(z.strictObject({ ids: z.array(z.int().min(1)).max(100_000) })).output(nothing),
  /** Does once more what failed or was cancelled, as a job of its own. */
  retry: procedure.input(byId).output(started),
  /** Puts a queued job before another one; null: behind all. */
  move: procedure.input(byId.extend({ before: z.int().min(1).nullable() })).output(nothing),
  /** Forgets those that ended. */
  forget: procedure.output(nothing),
};
