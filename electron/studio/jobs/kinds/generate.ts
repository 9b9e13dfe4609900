import { formatCount } from '../../../base/format.ts';
import { UserError } from '../../../base/errors.ts';
import type { WrittenToken } from '../../../engine/use/generate.ts';
import type { GenerateInput } from '../inputs.ts';
import type { JobKind } from '../kind.ts';

export interface Generated {
  /** What people should know of it, such as that the context is full. */
  readonly notices: readonly string[];
  /** Its place in the history; null where nothing was written, or it could not be kept. */
  readonly kept: number | null;
}

/** Of a longer text how the first tokens were chosen is kept. */
const maxTokensKept = 2000;

/** Continues a prompt with the weights of a checkpoint, and keeps what was written. Somebody waits for it: it waits for nothing. */
export const generate: JobKind<GenerateInput, Generated> = {
  restarts: false,
  describe(studio, { id, step }) {
    const run = studio.store.runs.get(id);
    studio.checkpoints.of(run, step);
    return { title: `Generate with ${run.name}, step ${formatCount(step)}`, run: run.id };
  },
  async run(studio, { id, step, prompt, device, ...sampling }, { signal, write, progress, log }) {
    const run = studio.store.runs.get(id);
    const notices: string[] = [];
    const tokens: WrittenToken[] = [];
    let text = '';
    let pieces = 0;
    const keep = (): number | null => {
      if (text === '' && tokens.length === 0) return null;
      try {
        const made = { run: run.id, name: run.name, step, prompt, text, settings: sampling, notices, tokens };
        return studio.store.generations.add(made);
      } catch (error) {
        // The text is there all the same.
        if (!(error instanceof UserError)) throw error;
        log(error.message);
        return null;
      }
    };
    try {
      for await (const written of studio.models.generate(run, step, prompt, sampling, device, signal)) {
        if (written.kind === 'notice') notices.push(written.text);
        else if (written.kind === 'tokens') tokens.push(...written.tokens.slice(0, maxTokensKept - tokens.length));
        else {
          text += written.text;
          write(written.text);
          progress({ done: Math.min(++pieces, sampling.maxTokens), total: sampling.maxTokens, unit: 'tokens' });
        }
      }
    } catch (error) {
      // What was written before it was stopped is worth keeping, where its store is open still.
      if (studio.store.isOpen) keep();
      throw error;
    }
    return { notices, kept: keep() };
  },
};
