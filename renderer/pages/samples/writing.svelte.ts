import type { Generated, WrittenToken } from '../../../electron/api/types.ts';
import { api, messageOf } from '../../state/api.ts';
import { follow } from '../../state/jobs.svelte.ts';

type Options = Parameters<typeof api.models.generate>[0];

/** What a column of the playground writes: one text at a time, and it outlives a look at another page. */
class Writing {
  prompt = $state('');
  text = $state('');
  /** How its tokens were chosen, once all of it is written. */
  tokens = $state.raw<readonly WrittenToken[]>([]);
  /** Of which checkpoint it is, by the id of the run and the step. */
  run = $state('');
  step = $state(0);
  notice = $state('');
  problem = $state<string>();
  working = $state(false);
  #controller: AbortController | undefined;

  stop(): void {
    this.#controller?.abort();
  }

  async write(options: Options): Promise<void> {
    if (this.working) return;
    const { signal } = (this.#controller = new AbortController());
    const { prompt, id: run, step } = options;
    Object.assign(this, { prompt, run, step, text: '', tokens: [], notice: '', problem: undefined, working: true });
    try {
      const { job } = await api.models.generate(options);
      const { result } = await follow(job, ({ output }) => (this.text = output ?? ''), signal);
      const { notices, kept } = (result as Generated | null) ?? { notices: [], kept: null };
      this.notice = notices.join(' ');
      if (kept !== null) this.tokens = await api.samples.tokens({ id: kept });
    } catch (error) {
      if (!signal.aborted) this.problem = messageOf(error);
    } finally {
      this.working = false;
      history.changed++;
    }
  }
}

/** Side by side: of the checkpoint that is chosen, and of the one that it is compared with. */
export const writings = [new Writing(), new Writing()] as const;

/** Whoever shows what was generated looks again when this changes. */
export const history = $state({ changed: 0 });
