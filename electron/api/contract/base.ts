import { oc } from '@orpc/contract';
import { z } from 'zod';

/** The beginning of every procedure. What a procedure answers is typed and not validated: it comes from this program. */
export const procedure = oc;

/** The type of an answer or of what a subscription yields. */
export const answers = <T>() => z.custom<T>();

export { deviceChoice, runId } from '../../studio/jobs/inputs.ts';

/** A job that was started or queued: `jobs.watch` tells what comes of it. */
export const started = z.custom<{ readonly job: number }>();

/** The answer of a procedure that only does something. */
export const nothing = z.void();
