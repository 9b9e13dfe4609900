import { plural } from '../../base/format.ts';
import { getTokenizer } from '../../data/tokenizers/index.ts';
import type { OpenedCheckpoint } from '../checkpoint/index.ts';
import type { RunConfig } from '../run/config.ts';
import { Generator, type SamplingOptions } from './generator.ts';
import { Model } from '../models/programs.ts';
import { type JobPlace, loadJob } from './loadJob.ts';
import { StopStrings } from './stopStrings.ts';
import { restoreModel } from '../run/tensors.ts';

/**
 * Continues a prompt with a checkpoint's weights.
 * @yields token ids, one by one
 */
export async function* generateFrom(
  checkpoint: OpenedCheckpoint,
  config: RunConfig,
  prompt: readonly number[],
  options: SamplingOptions,
  place: JobPlace,
): AsyncGenerator<number> {
  const model = new Model(config.model, config.precision);
  const generator = new Generator(model, config.model.contextLength);
  const session = await loadJob('Generating text', config, [...generator.programs, model.castWeights], place);
  try {
    await restoreModel(session, model, checkpoint);
    yield* generator.generate(session, prompt, options);
  } finally {
    session.close();
  }
}

/** How text is continued. */
export interface WritingOptions extends Pick<
  SamplingOptions,
  'temperature' | 'topK' | 'topP' | 'repetitionPenalty' | 'seed' | 'maxTokens'
> {
  /** Writing ends before any of these. */
  readonly stop?: readonly string[];
}

export type Written =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'notice'; readonly text: string };

/**
 * Continues a text with a checkpoint's weights.
 * @yields pieces of text, and a notice when the context is full
 */
export async function* writeText(
  checkpoint: OpenedCheckpoint,
  config: RunConfig,
  prompt: string,
  { stop = [], ...sampling }: WritingOptions,
  place: JobPlace,
): AsyncGenerator<Written> {
  const tokenizer = getTokenizer(config.tokenizer);
  const ids = prompt === '' ? [tokenizer.startOfText] : Array.from(tokenizer.encode(prompt));
  const decoder = tokenizer.streamDecoder();
  const stops = new StopStrings(stop.filter((s) => s !== ''));
  let forgot: number | undefined;
  const options = {
    ...sampling,
    kinds: tokenizer.vocabSize,
    endOfText: tokenizer.endOfText,
    onForget: (kept: number) => (forgot ??= kept),
  };
  let reported = false;
  for await (const token of generateFrom(checkpoint, config, ids, options, place)) {
    if (forgot !== undefined && !reported) {
      reported = true;
      const { contextLength } = config.model;
      yield {
        kind: 'notice',
        text: `The context of ${plural(contextLength, 'token')} is full: from here on the model sees only the latest ones (${forgot} at first).`,
      };
    }
    const text = stops.push(decoder.push(token));
    if (text !== '') yield { kind: 'text', text };
    if (stops.stopped) return;
  }
  const rest = stops.push(decoder.end()) + stops.end();
  if (rest !== '') yield { kind: 'text', text: rest };
}
