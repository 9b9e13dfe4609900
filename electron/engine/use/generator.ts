import { PhiloxStream } from '../../base/rng/philox.ts';
import type { Session } from '../devices/device.ts';
import type { Inputs } from '../models/inputs.ts';
import type { LayerCache } from '../models/model.ts';
import type { Model } from '../models/programs.ts';
import type { Buffer, Program } from '../program/types.ts';

export interface SamplingOptions {
  /** 0 takes the likeliest token always. */
  readonly temperature: number;
  /** Keep only the k likeliest tokens; 0 keeps all. */
  readonly topK: number;
  /** Keep only the likeliest tokens that together have this probability (Holtzman et al. 2020); 1, and unless given, all. */
  readonly topP?: number;
  /**
   * Tokens that are there already become less likely: a positive logit is divided by it, a negative one multiplied (Keskar
   * et al. 2019, CTRL). 1, and unless given, changes nothing.
   */
  readonly repetitionPenalty?: number;
  readonly seed: number;
  readonly maxTokens: number;
  /** Kinds of tokens that text is made of: rows of a padded vocabulary behind them are never chosen. Default: all rows. */
  readonly kinds?: number;
  /** Generation ends before this token. */
  readonly endOfText: number;
  /** Given how each token was chosen, before it is yielded; that which ends the text as well. Changes nothing of what is chosen. */
  readonly onChoice?: (choice: Choice) => void;
  /** Told when the cache is full and the older part of the text is forgotten: how many tokens are still known. */
  readonly onForget?: (kept: number) => void;
}

/** A token among those that it might have been. */
export interface Choice {
  readonly token: number;
  /**
   * Of the distribution that it was sampled from: behind penalty, temperature, top-k and top-p. Of the likeliest token at
   * temperature 0, which is not sampled: that of temperature 1.
   */
  readonly probability: number;
  /** Its place among all by probability, from 1; of equals the first in the vocabulary comes first. */
  readonly rank: number;
  /** The likeliest tokens, itself among them where it is one. */
  readonly top: readonly { readonly token: number; readonly probability: number }[];
}

/** So many of the likeliest tokens are given. */
const topCount = 6;

/** Sizes in which a prompt is read, the largest first: a product with many rows takes little longer than with one. */
const prefillTimes = [256, 32];

/** Writes text one token at a time, with the keys and values of earlier tokens kept in a cache. */
export class Generator {
  readonly programs: readonly Program[];
  readonly inputs: Inputs;
  readonly #decode: Program;
  readonly #prefills: readonly { readonly program: Program; readonly inputs: Inputs; readonly time: number }[];
  readonly #cache: readonly LayerCache[];
  readonly #logits: Buffer;

  /** @param contextLength most tokens that the cache holds; at most the model's context length */
  constructor(model: Model, contextLength: number) {
    this.#cache = model.cache(1, contextLength);
    const decode = model.decode(1, 1, this.#cache);
    this.inputs = decode.inputs;
    this.#decode = decode.program;
    this.#prefills = prefillTimes
      .filter((time) => time < contextLength)
      .map((time) => ({ ...model.prefill(1, time, this.#cache, decode.inputs), time }));
    this.programs = [decode.program, ...this.#prefills.map((p) => p.program)];
    this.#logits = decode.logits;
  }

  /**
   * Continues `prompt` (at least one token). When the cache is full, its older half is forgotten and the rest read again.
   * @yields token ids, one by one
   */
  async *generate(session: Session, prompt: readonly number[], options: SamplingOptions): AsyncGenerator<number> {
    if (prompt.length === 0) throw new Error('a prompt needs at least one token');
    const capacity = this.#cache[0]!.k.shape[2]!;
    const random = new PhiloxStream(options.seed, generationStream);
    const logits = new Float32Array(this.#logits.shape[1]!);
    const seen = new Set(prompt);
    let text = prompt.slice(-capacity);
    if (text.length < prompt.length) options.onForget?.(text.length);
    let position = 0;
    for (let made = 0; made < options.maxTokens; made++) {
      if (text.length > capacity) {
        text = text.slice(-Math.ceil(capacity / 2));
        position = 0;
        options.onForget?.(text.length);
      }
      await this.#read(session, text, position);
      position = text.length;
      session.read(this.#logits, logits);
      penalize(logits, seen, options.repetitionPenalty ?? 1);
      const token = choose(logits.subarray(0, options.kinds), options, random);
      if (token === options.endOfText) return;
      text.push(token);
      seen.add(token);
      yield token;
    }
  }

  /** Reads tokens from a position on; the last one by itself, for its logits. */
  async #read(session: Session, text: readonly number[], from: number): Promise<void> {
    let position = from;
    for (const { program, inputs, time } of this.#prefills) {
      for (; text.length - position > time; position += time) {
        session.write(inputs.tokens, Int32Array.from(text.slice(position, position + time)));
        session.write(this.inputs.position, Int32Array.of(position));
        await session.run(program);
      }
    }
    for (; position < text.length; position++) {
      session.write(this.inputs.tokens, Int32Array.of(text[position]!));
      session.write(this.inputs.position, Int32Array.of(position));
      await session.run(this.#decode);
    }
  }
}

function penalize(logits: Float32Array, seen: ReadonlySet<number>, penalty: number): void {
  if (penalty === 1) return;
  for (const token of seen) logits[token]! *= logits[token]! > 0 ? 1 / penalty : penalty;
}

/** The stream of random numbers that sampling draws from; weights and dropout use others. */
const generationStream = 0x67656e;

function choose(
  logits: Float32Array,
  { temperature, topK, topP = 1, onChoice }: SamplingOptions,
  random: PhiloxStream,
): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  if (temperature === 0) {
    if (onChoice) {
      const weights = Float64Array.from(logits, (logit) => Math.exp(logit - logits[best]!));
      onChoice(choiceOf(best, weights));
    }
    return best;
  }
  const min =
    topK > 0 && topK < logits.length ? logits.slice().sort()[logits.length - topK]! : Number.NEGATIVE_INFINITY;
  const top = logits[best]!;
  const weights = new Float64Array(logits.length);
  let total = 0;
  for (let i = 0; i < logits.length; i++) {
    if (logits[i]! < min) continue;
    weights[i] = Math.exp((logits[i]! - top) / temperature);
    total += weights[i]!;
  }
  if (topP < 1) total = keepNucleus(weights, topP * total);
  const token = draw(weights, random.nextFloat() * total) ?? best;
  onChoice?.(choiceOf(token, weights));
  return token;
}

/** The first token at which the weights so far exceed a share of them; none where rounding leaves it behind the last. */
function draw(weights: Float64Array, share: number): number | undefined {
  let left = share;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return undefined;
}

/** @param weights of all tokens, not normalized */
function choiceOf(token: number, weights: Float64Array): Choice {
  const own = weights[token]!;
  let [total, rank] = [0, 1];
  const top: number[] = [];
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    total += weight;
    if (weight > own || (weight === own && i < token)) rank++;
    if (weight === 0 || (top.length === topCount && weight <= weights[top.at(-1)!]!)) continue;
    const at = top.findIndex((other) => weights[other]! < weight);
    top.splice(at < 0 ? top.length : at, 0, i);
    if (top.length > topCount) top.pop();
  }
  return {
    token,
    probability: own / total,
    rank,
    top: top.map((other) => ({ token: other, probability: weights[other]! / total })),
  };
}

/** Zeroes all weights but the largest, as many as it takes to sum to `enough`. @returns their sum */
function keepNucleus(weights: Float64Array, enough: number): number {
  const order = Uint32Array.from(weights.keys()).sort((a, b) => weights[b]! - weights[a]! || a - b);
  let sum = 0;
  for (const i of order) {
    if (sum >= enough) weights[i] = 0;
    else sum += weights[i]!;
  }
  return sum;
}
