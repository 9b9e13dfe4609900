import path from 'node:path';
import { UserError } from '../base/errors.ts';
import { canWrite } from '../studio/home.ts';
import type { Recorded } from '../studio/jobs/jobs.ts';
import type { WorkTools } from '../studio/jobs/kind.ts';
import { Studio } from '../studio/studio.ts';
import { abortable } from './interrupts.ts';

/**
 * Does work of a command as a job of the home, which every window sees and can cancel; Ctrl-C cancels it. Where the home
 * can't be written it is done all the same, and is no job.
 * @throws Interrupted when it was cancelled, here or elsewhere, and what `work` throws
 */
export const asJob = <T>(studio: Studio, job: Recorded, work: (tools: WorkTools) => Promise<T>): Promise<T> =>
  abortable((_, controller) => studio.jobs.record(job, controller, work));

/** The same of a command that needs no studio otherwise. */
export async function asJobIn<T>(home: string, job: Recorded, work: (tools: WorkTools) => Promise<T>): Promise<T> {
  const studio = openedFor(home);
  if (!studio) return abortable((signal) => work({ signal, progress() {}, write() {}, log() {} }));
  try {
    return await asJob(studio, job, work);
  } finally {
    studio.close();
  }
}

/** A job is told of by whoever can: what hinders that hinders no work. */
function openedFor(home: string): Studio | undefined {
  try {
    return canWrite(home) ? Studio.open(home) : undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return undefined;
  }
}

/** A path as whoever looks at a job from elsewhere finds it. */
export const absolute = (file: string): string => (file === '-' ? 'standard input' : path.resolve(file));
