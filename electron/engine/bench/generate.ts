import type { Device } from '../devices/device.ts';
import { Generator } from '../generator.ts';
import type { ModelConfig } from '../gpt2/config.ts';
import { Gpt2 } from '../gpt2/programs.ts';
import { plan } from '../program/planner.ts';
import type { Precision } from '../program/types.ts';
import { Scorer } from '../scorer.ts';
import { initialise } from '../trainer/initialise.ts';
import { median } from './median.ts';

export interface GenerateBench {
  /** Tokens in front of those that are timed. */
  readonly context: number;
  /** Seconds to read the prompt, all of the context. */
  readonly prefillSeconds: number;
  /** Median seconds of one more token, with keys and values in the cache. */
  readonly cachedSeconds: number;
  /** Seconds of one more token with the whole text computed anew. */
  readonly recomputedSeconds: number;
}

/** Times one more token behind a full context, both ways. */
export async function benchGenerate(
  device: Device,
  config: ModelConfig,
  precision: Precision,
  tokens: number,
): Promise<GenerateBench> {
  const model = new Gpt2(config, precision);
  const context = config.contextLength - tokens;
  const generator = new Generator(model, config.contextLength);
  const scorer = new Scorer(model, config.contextLength);
  const programs = [...generator.programs, scorer.program, model.castWeights];
  const session = await device.load(programs, plan(programs));
  await initialise(session, model, 1);
  const text = Array.from({ length: context }, (_, i) => (i * 7919) % config.vocabSize);
  const options = { temperature: 0, topK: 0, seed: 1, maxTokens: tokens, endOfText: -1 };
  const times: number[] = [];
  let last = performance.now();
  for await (const _ of generator.generate(session, text, options)) {
    times.push((performance.now() - last) / 1000);
    last = performance.now();
  }
  const recomputed: number[] = [];
  for (let i = 0; i < 4; i++) {
    const begun = performance.now();
    await scorer.score(session, [{ question: 0, prompt: text, choices: [{ choice: 0, tokens: [1] }] }]);
    recomputed.push((performance.now() - begun) / 1000);
  }
  session.close();
  return {
    context,
    prefillSeconds: times[0]!,
    cachedSeconds: median(times.slice(1)),
    recomputedSeconds: median(recomputed.slice(1)),
  };
}
