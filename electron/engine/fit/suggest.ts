import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { packageFile } from '../../base/paths.ts';
import { type ModelConfig, parameterCount } from '../models/index.ts';
import { defaultOptimizer, type OptimizerKind } from '../optimizers/index.ts';
import type { Recompute } from '../program/recorder.ts';
import type { Precision } from '../program/types.ts';
import { adviseSteps } from './advice.ts';
import { type FitConfig, fit } from './fit.ts';
import { computedTimes, type KnownSpeed } from './speed.ts';
import type { Steps } from './steps.ts';

const sizeSchema = z.strictObject({ nLayer: z.int(), nHead: z.int(), nEmbd: z.int(), source: z.string() });

/** Shapes that were trained before, by the literature: the smallest first. */
const sizes = z.array(sizeSchema).parse(JSON.parse(readFileSync(packageFile('resources/sizes.json'), 'utf8')));

/** Tokens a parameter that make the best of a computation (Hoffmann et al. 2022, table 3). */
export const tokensPerParameter = 20;

/** What a device, a context and a time are asked for. */
export interface SuggestQuestion {
  readonly speed: KnownSpeed;
  readonly precision: Precision;
  /** What its memory has for a plan. */
  readonly bytes: number;
  /** For what is paged, where that is known. */
  readonly hostBytes?: number | undefined;
  readonly contextLength: number;
  readonly vocabSize: number;
  readonly hours: number;
}

/** A model that a device can train, and what comes of it in the time that there is. */
export interface Suggestion {
  readonly model: ModelConfig;
  /** Where its shape comes from. */
  readonly source: string;
  readonly parameters: number;
  readonly precision: Precision;
  readonly optimizer: OptimizerKind;
  readonly recompute: Recompute;
  readonly batch: number;
  /** Of the device's memory, and of the host's for what is paged: the planner's. */
  readonly totalBytes: number;
  readonly hostBytes: number;
  readonly tokensPerSecond: number;
  /** Seconds to 20 tokens a parameter. */
  readonly secondsToTwenty: number;
  /** Tokens in the time that there is. */
  readonly tokens: number;
  /** What ranks them: see `expectedLoss`. */
  readonly loss: number;
}

/**
 * The loss of a model after so many tokens of varied text, in nats a token of a large vocabulary: the parametric fit of Hoffmann
 * et al. (2022) as Besiroglu et al. (2024) corrected it. It ranks; it promises nothing of another text.
 */
export const expectedLoss = (parameters: number, tokens: number): number =>
  1.8172 + 482.01 / parameters ** 0.3478 + 2085.43 / tokens ** 0.3658;

/** Tokens of a micro-batch beyond which a device gets no faster. */
const enoughTokens = 16_384;
const maxBatch = 256;

/** A step's tokens, over which its update is spread: about half a million, as GPT-3's small models have them. */
const tokensPerStep = 2 ** 19;

/** The cheapest way to fit a size: as it is, else by what `adviseSteps` finds. */
function* settle(config: FitConfig, { bytes, hostBytes }: SuggestQuestion): Steps<FitConfig | undefined> {
  yield;
  if (fit(config).totalBytes <= bytes) return config;
  const [way] = yield* adviseSteps(config, bytes, { count: 1, hostBytes });
  return way?.config;
}

/** The largest micro-batch, by doubling, that fits and still makes a device faster. */
function* widest(
  config: FitConfig,
  { bytes, hostBytes = Number.POSITIVE_INFINITY }: SuggestQuestion,
): Steps<FitConfig> {
  let found = config;
  for (;;) {
    const batch = 2 * found.batch;
    if (batch > maxBatch || batch * config.model.contextLength > enoughTokens) return found;
    yield;
    const plan = fit({ ...config, batch });
    if (plan.totalBytes > bytes || plan.hostBytes > hostBytes) return found;
    found = { ...config, batch };
  }
}

/**
 * What a device can train in a time, best first: of every size the cheapest settings that fit, ranked by the loss to expect of
 * the tokens that the time allows. A model that is too large for the time comes behind, and so does one that is too small.
 */
export function* suggestSteps(asked: SuggestQuestion): Steps<Suggestion[]> {
  const { speed, precision, contextLength, vocabSize, hours } = asked;
  const found: Suggestion[] = [];
  for (const { source, ...shape } of sizes) {
    const model: ModelConfig = { ...shape, vocabSize, contextLength, dropout: 0 };
    const parameters = parameterCount(model);
    // Weights and gradients in float32, whatever else is made smaller: no plan is needed to refuse that.
    if (8 * parameters > asked.bytes) continue;
    const fitting = yield* settle(
      { model, batch: 1, precision, recompute: 'none', optimizer: defaultOptimizer },
      asked,
    );
    if (!fitting) continue;
    const config = yield* widest(fitting, asked);
    yield;
    const times = computedTimes(config, speed)?.likely;
    if (!times) return [];
    const microBatches = tokensPerStep / (config.batch * contextLength);
    const tokensPerSecond = tokensPerStep / (microBatches * times.microSeconds + times.updateSeconds);
    const plan = fit(config);
    const tokens = Math.floor(3600 * hours * tokensPerSecond);
    found.push({
      ...{ model, source, parameters, tokensPerSecond, tokens },
      precision: config.precision ?? 'f32',
      optimizer: config.optimizer ?? defaultOptimizer,
      ...{ recompute: config.recompute, batch: config.batch },
      ...{ totalBytes: plan.totalBytes, hostBytes: plan.hostBytes },
      secondsToTwenty: (tokensPerParameter * parameters) / tokensPerSecond,
      loss: expectedLoss(parameters, Math.max(1, tokens)),
    });
  }
  return found.sort((a, b) => a.loss - b.loss);
}
