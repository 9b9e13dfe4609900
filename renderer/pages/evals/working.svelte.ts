import type { JobView } from '../../../electron/api/types.ts';
import { pastedPath } from '../../ui/pastedPath.ts';
import { api } from '../../state/api.ts';
import { onDevice } from '../../state/devices.svelte.ts';
import { formatBytes, formatCount } from '../../format.ts';
import { jobList } from '../../state/jobs.svelte.ts';
import { toasts } from '../../state/toasts.svelte.ts';
import { evalsText } from './text.ts';

/** What is evaluated: a checkpoint. */
export interface Target {
  readonly run: string;
  readonly step: number;
}

const isEvaluation = ({ kind }: JobView): boolean => kind === 'validation' || kind === 'hellaswag';

const keyOf = ({ run, step }: Target): string => `${run} ${step}`;
const targetOf = ({ run, input }: JobView): Target => ({ run: run ?? '', step: (input as { step: number }).step });

/** The evaluations that run and wait, whoever asked for them. */
class Working {
  readonly jobs = $derived(jobList.active.filter(isEvaluation));
  /** Evaluations that have ended: whoever shows results looks again. */
  readonly finished = $derived((jobList.all ?? []).filter((job) => isEvaluation(job) && job.state === 'done').length);

  /** Those that were asked for together with what runs and waits: these, and those that ended since the first of them was asked for. */
  readonly batch = $derived.by(() => {
    const first = this.jobs.reduce((time, { createdAt }) => Math.min(time, createdAt), Infinity);
    return (jobList.all ?? []).filter((job) => isEvaluation(job) && (job.endedAt ?? Infinity) > first);
  });
  readonly #active = $derived(Map.groupBy(this.jobs, (job) => keyOf(targetOf(job))));
  /** The latest of each kind of a checkpoint, where it failed. */
  readonly #failed = $derived.by(() => {
    const evaluations = (jobList.all ?? []).filter(isEvaluation);
    const ofEach = Map.groupBy(evaluations, (job) => `${job.kind} ${keyOf(targetOf(job))}`).values();
    const latest = [...ofEach].map((jobs) => jobs.reduce((a, b) => (b.id > a.id ? b : a)));
    return Map.groupBy(
      latest.filter(({ state }) => state === 'failed'),
      (job) => keyOf(targetOf(job)),
    );
  });

  /** Those of a checkpoint. */
  of(target: Target): readonly JobView[] {
    return this.#active.get(keyOf(target)) ?? [];
  }

  /** Those of a checkpoint that failed last. */
  failedOf(target: Target): readonly JobView[] {
    return this.#failed.get(keyOf(target)) ?? [];
  }

  cancel({ id }: JobView): Promise<unknown> {
    return toasts.attempt(() => api.jobs.cancel({ id }));
  }

  cancelAll(): Promise<unknown> {
    return toasts.attempt(() => api.jobs.cancelAll({ ids: this.jobs.map(({ id }) => id) }));
  }

  retry({ id }: JobView): Promise<unknown> {
    return toasts.attempt(() => api.jobs.retry({ id }));
  }

  /** Evaluates all pinned checkpoints. @param run of this run; empty: of all */
  async lossOfAll(run: string, sequences: number, dataset: string, device: string): Promise<void> {
    const how = { sequences, ...(dataset ? { dataset } : {}), ...onDevice(device) };
    await this.#all({ kind: 'validation', ...(run ? { run } : {}), ...how });
  }

  /** @param run see `lossOfAll` */
  async hellaswagOfAll(run: string, items: number, file: string, device: string): Promise<void> {
    const how = { items, ...(file.trim() ? { file: pastedPath(file) } : {}), ...onDevice(device) };
    await this.#all({ kind: 'hellaswag', ...(run ? { run } : {}), ...how });
  }

  #all(asked: Parameters<typeof api.models.evaluateAll>[0]): Promise<unknown> {
    return toasts.attempt(async () => {
      const { jobs, there, problems } = await api.models.evaluateAll(asked);
      toasts.say(evalsText.submitted(jobs.length, there));
      for (const problem of problems.slice(0, 3)) toasts.say(problem, 'error');
    });
  }

  /** @param device to work on, as `deviceId` gives it; empty: the run's */
  async loss({ run: id, step }: Target, sequences: number, dataset: string, device: string): Promise<void> {
    const asked = { id, step, sequences, ...(dataset ? { dataset } : {}), ...onDevice(device) };
    await toasts.attempt(() => api.models.evaluate(asked));
  }

  /** @param device see `loss` */
  async hellaswag({ run: id, step }: Target, items: number, file: string, device: string): Promise<void> {
    const from = file.trim() ? { file: pastedPath(file) } : {};
    await toasts.attempt(() => api.models.hellaswag({ id, step, items, ...from, ...onDevice(device) }));
  }

  /** How far one is, in words. */
  note({ state, kind, progress }: JobView): string {
    if (state === 'queued') return evalsText.queued;
    if (!progress) return evalsText.starting;
    const { done, total, unit, detail } = progress;
    if (unit === 'bytes') return evalsText.fetching(formatBytes(done), formatBytes(total));
    if (kind === 'validation') return evalsText.progress(done, total);
    return evalsText.items(formatCount(done), formatCount(total), detail?.acc?.toFixed(4));
  }
}

export const working = new Working();
