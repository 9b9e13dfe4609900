import type { Session } from '../devices/device.ts';
import { Generator } from '../use/generator.ts';
import type { ModelConfig } from '../models/index.ts';
import { Model } from '../models/programs.ts';
import type { Precision, Program } from '../program/types.ts';
import { Scorer } from '../use/scorer.ts';
import { initialize } from '../run/initialize.ts';
import { median } from './median.ts';

export interface GenerateBench {
  /** Tokens in front of those that are timed. */
  readonly context: number;
  /** Seconds to read the prompt, all of the context. */
  readonly prefillSeconds: number;
  /** Median seconds of one more token, with keys and values in the cache. */
  readonly cachedSeconds: number;
  /** Median seconds of one more token with the whole text computed anew. */
  readonly recomputedSeconds: number;
}

/** Times that the whole text is computed anew. */
const recomputations = 3;

/**
 * Times one more token behind a full context, both ways. Both have run once before, so that neither is timed as it starts.
 * @param load takes programs into the device that is measured
 * @param tokens that are timed: from 2 to one less than the context holds
 */
export async function benchGenerate(
  load: (programs: readonly Program[]) => Promise<Session>,
  config: ModelConfig,
  precision: Precision,
  tokens: number,
): Promise<GenerateBench> {
  const model = new Model(config, precision);
  const context = config.contextLength - tokens;
  const generator = new Generator(model, config.contextLength);
  const scorer = new Scorer(model, config.contextLength);
  const session = await load([...generator.programs, scorer.program, model.castWeights]);
  try {
    await initialize(session, model, 1);
    const text = Array.from({ length: context }, (_, i) => (i * 7919) % config.vocabSize);
    const write = async (maxTokens: number) => {
      const times: number[] = [];
      const options = { temperature: 0, topK: 0, seed: 1, maxTokens, endOfText: -1 };
      let last = performance.now();
      for await (const _ of generator.generate(session, text, options)) {
        times.push((performance.now() - last) / 1000);
        last = performance.now();
      }
      return times;
    };
    const recompute = async () => {
      const started = performance.now();
      await scorer.score(session, [{ question: 0, prompt: text, choices: [{ choice: 0, tokens: [1] }] }]);
      return (performance.now() - started) / 1000;
    };
    await write(1);
    const [prefillSeconds, ...cached] = await write(tokens);
    await recompute();
    const recomputed: number[] = [];
    for (let i = 0; i < recomputations; i++) recomputed.push(await recompute());
    return {
      context,
      prefillSeconds: prefillSeconds!,
      cachedSeconds: median(cached),
      recomputedSeconds: median(recomputed),
    };
  } finally {
    session.close();
  }
}
