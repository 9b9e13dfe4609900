import { api, messageOf } from '../lib/api.ts';
import { onDevice } from '../lib/devices.svelte.ts';
import { formatBytes, formatCount } from '../lib/format.ts';
import { toasts } from '../lib/toasts.svelte.ts';
import { text } from '../text.ts';

/** What is evaluated: a checkpoint. */
export interface Target {
  readonly run: string;
  readonly step: number;
}

/** The evaluation that is going on: one at a time, and it outlives a look at another page. */
class Working {
  target = $state.raw<Target & { kind: 'loss' | 'hellaswag' }>();
  done = $state(0);
  total = $state(1);
  note = $state('');
  /** Evaluations that have ended: whoever shows results looks again. */
  finished = $state(0);
  #controller: AbortController | undefined;

  cancel(): void {
    this.#controller?.abort();
  }

  /** @param device to work on, as `deviceId` gives it; empty: the run's */
  async loss(target: Target, sequences: number, dataset: string, device: string): Promise<void> {
    await this.#work({ ...target, kind: 'loss' }, async (signal) => {
      const updates = await api.models.evaluate(
        { id: target.run, step: target.step, sequences, ...(dataset ? { dataset } : {}), ...onDevice(device) },
        { signal },
      );
      for await (const u of updates)
        if (u.kind === 'progress') this.#tell(u.done, u.total, text.evals.progress(u.done, u.total));
    });
  }

  /** @param device see `loss` */
  async hellaswag(target: Target, items: number, file: string, device: string): Promise<void> {
    await this.#work({ ...target, kind: 'hellaswag' }, async (signal) => {
      const from = file.trim() ? { file: file.trim() } : {};
      const asked = { id: target.run, step: target.step, items, ...from, ...onDevice(device) };
      for await (const u of await api.models.hellaswag(asked, { signal })) {
        if (u.kind === 'fetching')
          this.#tell(
            u.doneBytes,
            u.totalBytes,
            text.evals.fetching(formatBytes(u.doneBytes), formatBytes(u.totalBytes)),
          );
        if (u.kind === 'progress')
          this.#tell(u.done, u.total, text.evals.items(formatCount(u.done), formatCount(u.total), u.acc?.toFixed(4)));
      }
    });
  }

  #tell(done: number, total: number, note: string): void {
    Object.assign(this, { done, total, note });
  }

  async #work(
    target: Target & { kind: 'loss' | 'hellaswag' },
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (this.target) return;
    const controller = (this.#controller = new AbortController());
    this.#tell(0, 1, text.common.loading);
    this.target = target;
    try {
      await work(controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) toasts.say(messageOf(error), 'error');
    } finally {
      this.target = undefined;
      this.finished++;
    }
  }
}

export const working = new Working();
