import type { Generated } from '../../../electron/api/types.ts';
import { api, messageOf } from '../../state/api.ts';
import { follow } from '../../state/jobs.svelte.ts';

type Options = Parameters<typeof api.models.generate>[0];

/** What the playground writes: one text at a time, and it outlives a look at another page. */
class Writing {
  prompt = $state('');
  text = $state('');
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
    Object.assign(this, { prompt: options.prompt, text: '', notice: '', problem: undefined, working: true });
    try {
      const { job } = await api.models.generate(options);
      const { result } = await follow(job, ({ output }) => (this.text = output ?? ''), signal);
      this.notice = (result as Generated | null)?.notices.join(' ') ?? '';
    } catch (error) {
      if (!signal.aborted) this.problem = messageOf(error);
    } finally {
      this.working = false;
    }
  }
}

export const writing = new Writing();
