import type { GenerateInput } from '../inputs.ts';
import type { JobKind } from '../kind.ts';

export interface Generated {
  /** What people should know of it, such as that the context is full. */
  readonly notices: readonly string[];
}

/** Continues a prompt with the weights of a checkpoint. Somebody waits for it: it waits for nothing. */
export const generate: JobKind<GenerateInput, Generated> = {
  restarts: false,
  describe(studio, { id, step }) {
    const run = studio.store.getRun(id);
    studio.checkpointOf(run, step);
    return { title: `Generate with ${run.name}, step ${step}`, run: run.id };
  },
  async run(studio, { id, step, prompt, device, ...sampling }, { signal, write, progress }) {
    const notices: string[] = [];
    let pieces = 0;
    for await (const { kind, text } of studio.generate(
      studio.store.getRun(id),
      step,
      prompt,
      sampling,
      device,
      signal,
    )) {
      if (kind === 'notice') notices.push(text);
      else {
        write(text);
        progress({ done: Math.min(++pieces, sampling.maxTokens), total: sampling.maxTokens, unit: 'tokens' });
      }
    }
    return { notices };
  },
};
