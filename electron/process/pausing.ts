import type { Studio } from '../studio/studio.ts';
import type { RunHandle } from '../studio/run/handle.ts';
import { readSettings, writeSettings } from '../studio/settings.ts';
import { messageOf } from '../base/errors.ts';

/** Pauses all that trains in a studio, so that its machine is free, and resumes just that. */
export class Pausing {
  readonly #studio: Studio;
  readonly #report: (line: string) => void;
  readonly #paused = new Map<string, RunHandle>();
  /** The queue was paused, too: it would start its next run in place of the paused one. */
  #hasQueue = false;

  /** @param report told of what can't be resumed */
  constructor(studio: Studio, report: (line: string) => void) {
    this.#studio = studio;
    this.#report = report;
  }

  /** Whether `resume` has something to resume. */
  get canResume(): boolean {
    return this.#runs.length > 0 || this.#holdsQueue;
  }

  get #holdsQueue(): boolean {
    this.#hasQueue &&= readSettings(this.#studio.home).queue.paused;
    return this.#hasQueue;
  }

  /** Paused by `pause`, at rest, and by nobody touched since. */
  get #runs(): string[] {
    for (const [id, handle] of this.#paused) {
      const now = this.#studio.training.handleOf(id);
      const isOurs = now ? now === handle : this.#studio.store.runs.has(id) && this.#isPaused(id);
      if (!isOurs) this.#paused.delete(id);
    }
    return [...this.#paused.keys()].filter((id) => !this.#studio.training.handleOf(id));
  }

  #isPaused(id: string): boolean {
    const { state, archived } = this.#studio.store.runs.get(id);
    return state === 'paused' && !archived;
  }

  pause(): void {
    const { home, store } = this.#studio;
    const { queue } = readSettings(home);
    const jobs = store.jobs.list({ state: ['queued', 'running'] });
    const ofQueue = new Set(jobs.flatMap(({ kind, scheduled, run }) => (kind === 'train' && scheduled ? [run] : [])));
    if (!queue.paused && ofQueue.size > 0) {
      writeSettings(home, { queue: { ...queue, paused: true } });
      this.#hasQueue = true;
    }
    for (const { id } of store.runs.list({ state: ['training', 'preparing'] })) {
      const handle = this.#studio.training.handleOf(id);
      // What the queue trains is saved and queued again by the queue.
      if (!handle || ofQueue.has(id)) continue;
      this.#paused.set(id, handle);
      handle.pause();
    }
  }

  async resume(): Promise<void> {
    const { home, store } = this.#studio;
    const { queue } = readSettings(home);
    if (this.#holdsQueue) writeSettings(home, { queue: { ...queue, paused: false } });
    this.#hasQueue = false;
    for (const id of this.#runs) {
      this.#paused.delete(id);
      try {
        await this.#studio.training.resume(store.runs.get(id));
      } catch (error) {
        this.#report(messageOf(error));
      }
    }
  }
}
