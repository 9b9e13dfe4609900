import { untrack } from 'svelte';
import type { ConfigProblem, Tokenized } from '../../../electron/api/types.ts';
import { api, messageOf, problemsOf } from '../../state/api.ts';
import { follow, jobList } from '../../state/jobs.svelte.ts';
import { pathsOf } from '../../state/files.ts';

type Options = Parameters<typeof api.data.prepare>[0];

/** Text that is sent or prepared: one at a time, and it outlives a look at another page. */
class Preparing {
  working = $state(false);
  /** What is done: files are on their way to the studio, or are read there. */
  stage = $state<'sending' | 'reading'>('reading');
  doneBytes = $state(0);
  totalBytes = $state(0);
  /** Of what is read: text and tokens so far, text a second, seconds to go. */
  tokens = $state(0);
  textPerSecond = $state(0);
  secondsLeft = $state(Number.NaN);
  problem = $state<string>();
  /** The same by what was asked, where the studio says which of it is wrong. */
  problems = $state.raw<readonly ConfigProblem[]>([]);
  /** Names of what was made, since the window was opened: whoever lists datasets looks again. */
  made = $state(0);
  latest = $state('');
  /** The job that is followed. */
  job = $state<number>();
  /** Hears of what was made, and of the run that was to train on it; for one job. */
  then: ((made: Tokenized) => void) | undefined;
  #controller: AbortController | undefined;

  constructor() {
    // What another window or terminal has asked for, or this one before it was loaded again, is shown as well.
    $effect.root(() => {
      $effect(() => {
        const job = this.working ? undefined : jobList.active.find(({ kind }) => kind === 'tokenize');
        if (job) untrack(() => void this.#work('reading', (signal) => this.#follow(job.id, signal)));
      });
    });
  }

  cancel(): void {
    this.#controller?.abort();
  }

  /** @returns the paths of files as the studio knows them; undefined when they did not arrive */
  send(files: readonly File[]): Promise<string[] | undefined> {
    return this.#work('sending', (signal) => pathsOf(files, (done, total) => this.#report(done, total), signal));
  }

  /** @returns the name of the dataset; undefined when none was made */
  prepare(options: Options): Promise<string | undefined> {
    return this.#work('reading', async (signal) => this.#follow((await api.data.prepare(options)).job, signal));
  }

  /** Ends what is tokenized, and begins with something else in its place. */
  async again(options: Options): Promise<string | undefined> {
    this.cancel();
    while (this.working) await new Promise((resolve) => setTimeout(resolve, 50));
    return this.prepare(options);
  }

  /** @returns the dataset that was made; undefined where none was, or a run trains on it by now */
  async #follow(id: number, signal: AbortSignal): Promise<string | undefined> {
    this.job = id;
    // What was done before a stop is not done again, and says nothing about the speed.
    let first: { time: number; doneBytes: number; textBytes: number } | undefined;
    const { state, result } = await follow(
      id,
      ({ progress }) => {
        if (!progress) return;
        const { done: doneBytes, total: totalBytes } = progress;
        const { textBytes = 0, tokens = 0 } = progress.detail ?? {};
        this.#report(doneBytes, totalBytes);
        first ??= { time: performance.now(), doneBytes, textBytes };
        const seconds = (performance.now() - first.time) / 1000;
        this.tokens = tokens;
        if (seconds < 1) return;
        this.textPerSecond = (textBytes - first.textBytes) / seconds;
        this.secondsLeft = ((totalBytes - doneBytes) / (doneBytes - first.doneBytes)) * seconds;
      },
      signal,
    );
    if (state !== 'done') return undefined;
    const made = result as Tokenized;
    this.latest = made.name;
    this.made++;
    this.then?.(made);
    return made.run === undefined ? made.name : undefined;
  }

  /** What was wrong has been changed. */
  forgetProblems(): void {
    if (this.problems.length > 0) Object.assign(this, { problem: undefined, problems: [] });
  }

  #report(done: number, total: number): void {
    [this.doneBytes, this.totalBytes] = [done, total];
  }

  async #work<T>(stage: Preparing['stage'], work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    if (this.working) return undefined;
    const controller = (this.#controller = new AbortController());
    const nothing = { doneBytes: 0, totalBytes: 0, tokens: 0, textPerSecond: 0, secondsLeft: Number.NaN };
    Object.assign(this, { stage, working: true, problem: undefined, problems: [], ...nothing });
    try {
      return await work(controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) Object.assign(this, { problem: messageOf(error), problems: problemsOf(error) });
      return undefined;
    } finally {
      this.working = false;
      this.job = this.then = undefined;
    }
  }
}

export const preparing = new Preparing();
