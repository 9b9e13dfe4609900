import { plural } from '../../base/format.ts';
import { getTokenizer, type Tokenizer } from '../../data/tokenizers/index.ts';
import type { OpenedCheckpoint } from '../checkpoint/index.ts';
import type { RunConfig } from '../run/config.ts';
import { type Choice, Generator, type SamplingOptions } from './generator.ts';
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

/** A token of what was written, and how it was chosen. */
export interface WrittenToken {
  /** What it adds to the text; null: it ends the text. Empty where a character goes on in the next token. */
  readonly text: string | null;
  /** See `Choice`. */
  readonly probability: number;
  readonly rank: number;
  readonly top: readonly { readonly text: string | null; readonly probability: number }[];
}

export type Written =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'notice'; readonly text: string }
  /** Of text that came before: those of all of it make the text. */
  | { readonly kind: 'tokens'; readonly tokens: readonly WrittenToken[] };

/**
 * Continues a text with a checkpoint's weights.
 * @yields pieces of text, how their tokens were chosen, and a notice when the context is full
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
  const choices = new Choices(tokenizer);
  let forgot: number | undefined;
  const options = {
    ...sampling,
    kinds: tokenizer.vocabSize,
    endOfText: tokenizer.endOfText,
    onChoice: (choice: Choice) => choices.chosen(choice),
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
    const piece = decoder.push(token);
    choices.adds(piece);
    const text = stops.push(piece);
    if (text !== '') yield { kind: 'text', text };
    yield* choices.shown(text);
    if (stops.stopped) return yield* choices.end('', false);
  }
  const last = decoder.end();
  choices.adds(last);
  const rest = stops.push(last) + stops.end();
  if (rest !== '') yield { kind: 'text', text: rest };
  yield* choices.end(rest, !stops.stopped);
}

/** Tokens that are chosen, until their text is shown: the end of it may be held back, and be cut off. */
class Choices {
  readonly #tokenizer: Tokenizer;
  #waiting: { readonly choice: Choice; text: string }[] = [];
  #latest: Choice | undefined;
  /** Characters of those that wait which are shown. */
  #shown = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  chosen(choice: Choice): void {
    this.#latest = choice;
  }

  /** What the token that was chosen last adds; or, behind the last one, what is left of a broken character. */
  adds(text: string): void {
    if (this.#latest) this.#waiting.push({ choice: this.#latest, text });
    else if (text !== '') this.#waiting.at(-1)!.text += text;
    this.#latest = undefined;
  }

  /** Those whose text is shown to its end by now. */
  *shown(text: string): IterableIterator<Written> {
    this.#shown += text.length;
    const tokens: WrittenToken[] = [];
    let [count, length] = [0, 0];
    for (const [i, waiting] of this.#waiting.entries()) {
      length += waiting.text.length;
      if (length > this.#shown) break;
      // Of a character that goes on the last token is not known yet.
      if (waiting.text !== '') count = i + 1;
    }
    for (const { choice, text: own } of this.#waiting.splice(0, count)) {
      tokens.push(this.#written(choice, own));
      this.#shown -= own.length;
    }
    if (tokens.length > 0) yield { kind: 'tokens', tokens };
  }

  /** The rest. @param isWhole whether nothing was cut off, so that what ended the text belongs to it */
  *end(text: string, isWhole: boolean): IterableIterator<Written> {
    const ending = this.#latest;
    this.#shown += text.length;
    const tokens: WrittenToken[] = [];
    for (const { choice, text: own } of this.#waiting) {
      if (!isWhole && this.#shown === 0) break;
      tokens.push(this.#written(choice, own.slice(0, this.#shown)));
      this.#shown -= Math.min(own.length, this.#shown);
    }
    if (isWhole && ending) tokens.push(this.#written(ending, null));
    if (tokens.length > 0) yield { kind: 'tokens', tokens };
  }

  #written({ probability, rank, top }: Choice, text: string | null): WrittenToken {
    const { endOfText, decode } = this.#tokenizer;
    return {
      text,
      probability,
      rank,
      top: top.map(({ token, probability: own }) => ({
        text: token === endOfText ? null : decode([token]),
        probability: own,
      })),
    };
  }
}
