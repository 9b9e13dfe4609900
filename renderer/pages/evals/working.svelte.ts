import type { JobView } from '../../../electron/api/types.ts';
import { pastedPath } from '../../ui/pastedPath.ts';
import { api } from '../../state/api.ts';
import { onDevice } from '../../state/devices.svelte.ts';
import { formatBytes, formatCount } from '../../format.ts';
import { follow, jobList } from '../../state/jobs.svelte.ts';
import { toasts } from '../../state/toasts.svelte.ts';
import { evalsText } from './text.ts';

/** What is evaluated: a checkpoint. */
export interface Target {
  readonly run: string;
  readonly step: number;
}

const isEvaluation = ({ kind }: JobView): boolean => kind === 'validation' || kind === 'hellaswag';

/** The evaluations that run and wait, whoever asked for them. */
class Working {
  readonly jobs = $derived(jobList.active.filter(isEvaluation));
  /** Evaluations that have ended: whoever shows results looks again. */
  readonly finished = $derived((jobList.all ?? []).filter((job) => isEvaluation(job) && job.state === 'done').length);

  /** Those of a checkpoint. */
  of({ run, step }: Target): JobView[] {
    return this.jobs.filter((job) => job.run === run && (job.input as { step: number }).step === step);
  }

  cancel({ id }: JobView): Promise<unknown> {
    return toasts.attempt(() => api.jobs.cancel({ id }));
  }

  /** @param device to work on, as `deviceId` gives it; empty: the run's */
  async loss({ run: id, step }: Target, sequences: number, dataset: string, device: string): Promise<void> {
    const asked = { id, step, sequences, ...(dataset ? { dataset } : {}), ...onDevice(device) };
    await this.#reportFailure(() => api.models.evaluate(asked));
  }

  /** @param device see `loss` */
  async hellaswag({ run: id, step }: Target, items: number, file: string, device: string): Promise<void> {
    const from = file.trim() ? { file: pastedPath(file) } : {};
    await this.#reportFailure(() => api.models.hellaswag({ id, step, items, ...from, ...onDevice(device) }));
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

  /** Of what this window has asked for. */
  #reportFailure(ask: () => Promise<{ readonly job: number }>): Promise<unknown> {
    return toasts.attempt(async () => void (await follow((await ask()).job, () => {})));
  }
}

export const working = new Working();
