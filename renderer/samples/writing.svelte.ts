import { api, messageOf } from '../lib/api.ts';

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
    const controller = (this.#controller = new AbortController());
    Object.assign(this, { prompt: options.prompt, text: '', notice: '', problem: undefined, working: true });
    try {
      for await (const { kind, text } of await api.models.generate(options, { signal: controller.signal }))
        if (kind === 'text') this.text += text;
        else this.notice = text;
    } catch (error) {
      if (!controller.signal.aborted) this.problem = messageOf(error);
    } finally {
      this.working = false;
    }
  }
}

export const writing = new Writing();
