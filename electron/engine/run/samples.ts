import { during, isCancelled, type Run } from './run.ts';

/** Writes a text for each prompt. @returns whether it came to its end: else none is told */
export const sample = (run: Run): Promise<boolean> =>
  during(run, 'sampling', async () => {
    const { options, config, loaded } = run;
    const { tokenizer } = options;
    const { prompts, tokens, temperature, topK } = config.sampling;
    const { endOfText, vocabSize: kinds = config.model.vocabSize } = tokenizer;
    const texts: { prompt: string; seed: number; text: string }[] = [];
    for (const [i, prompt] of tokens === 0 ? [] : prompts.entries()) {
      const ids = prompt === '' ? [tokenizer.startOfText ?? endOfText] : Array.from(tokenizer.encode(prompt));
      const seed = config.seed + i;
      const made: number[] = [];
      const how = { temperature, topK, seed, maxTokens: tokens, kinds, endOfText };
      for await (const id of loaded.programs.generator.generate(loaded.session, ids, how)) {
        made.push(id);
        if (isCancelled(run)) return false;
      }
      texts.push({ prompt, seed, text: tokenizer.decode(made) });
    }
    const { step } = run.state;
    for (const text of texts) run.log.emit({ type: 'sample', step, ...text });
    run.state = { ...run.state, sampledStep: step };
    return true;
  });
