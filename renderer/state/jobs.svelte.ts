import type { JobView } from '../../electron/api/types.ts';
import { api, messageOf } from './api.ts';
import { updated } from './listUpdate.ts';
import { subscribe } from './subscribe.ts';

export const isActive = (job: JobView): boolean => job.endedAt === null;

/** Work that takes longer than a moment, of all windows and terminals, kept up to date for the whole window. */
class JobList {
  /** Those that run and wait, in order, then those that ended, the latest first. */
  all = $state.raw<readonly JobView[]>();
  error = $state<string>();
  readonly active = $derived((this.all ?? []).filter(isActive));

  constructor() {
    subscribe(
      (signal) => api.jobs.watchList(undefined, { signal }),
      (update) => {
        this.all = updated(this.all ?? [], update);
        this.error = undefined;
      },
      (error) => (this.error = messageOf(error)),
    );
  }
}

export const jobList = new JobList();

/**
 * Follows a job to its end, also over a lost connection. It goes on where this window is closed.
 * @param signal cancels the job
 * @returns the job, done or cancelled
 * @throws what the job failed by, in its words
 */
export function follow(id: number, onNews: (job: JobView) => void, signal?: AbortSignal): Promise<JobView> {
  const cancel = (): void => void api.jobs.cancel({ id }).catch(() => {}); // it has ended
  signal?.addEventListener('abort', cancel, { once: true });
  return new Promise<JobView>((resolve, reject) => {
    const leave = subscribe(
      (connected) => api.jobs.watch({ id }, { signal: connected }),
      (job) => {
        onNews(job);
        if (isActive(job)) return;
        leave();
        if (job.state === 'failed') reject(new Error(job.message ?? ''));
        else resolve(job);
      },
      (error) => reject(error as Error),
    );
  }).finally(() => signal?.removeEventListener('abort', cancel));
}
