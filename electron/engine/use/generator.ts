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
  /** Told when the cache is full and the older part of the text is forgotten: how many tokens are still known. */
  readonly onForget?: (kept: number) => void;
}

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
      penalise(logits, seen, options.repetitionPenalty ?? 1);
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

function penalise(logits: Float32Array, seen: ReadonlySet<number>, penalty: number): void {
  if (penalty === 1) return;
  for (const token of seen) logits[token]! *= logits[token]! > 0 ? 1 / penalty : penalty;
}

/** The stream of random numbers that sampling draws from; weights and dropout use others. */
const generationStream = 0x67656e;

function choose(logits: Float32Array, { temperature, topK, topP = 1 }: SamplingOptions, random: PhiloxStream): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  if (temperature === 0) return best;
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
  let left = random.nextFloat() * total;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return best;
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
