import path from 'node:path';
import { type MixPart, sourceName } from '../../data/sampling/mix.ts';
import { readManifest } from '../../data/dataset/index.ts';
import { subsetTokens } from '../../data/subsets.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import { schedule, settingsOf } from '../../engine/run/schedule.ts';
import { UserError } from '../../base/errors.ts';
import { datasetsDir } from '../home.ts';
import type { EvalRecord } from '../store/index.ts';

/** What a run has read of a source of its training data. */
export interface DataRead {
  readonly source: string;
  /** Steps that were trained on it, from 1, both ends included; neighbors are one. */
  readonly steps: readonly { readonly from: number; readonly to: number }[];
  /** Tokens that were read of it; of a mix its share. */
  readonly tokens: number;
  /** How often that goes through its training tokens; null when the dataset is gone. */
  readonly passes: number | null;
  /** The last loss over its dataset's validation data, nats a token; null where none was taken. */
  readonly valLoss: number | null;
}

/** Of evaluations, what tells the loss on a dataset. */
type Loss = Pick<EvalRecord, 'step' | 'kind' | 'dataset' | 'value'>;

/**
 * Which data fed which steps of a run, in the order in which it did.
 * @param step optimizer steps taken
 * @param evals of the run, in the order of their steps
 */
export function dataRead(home: string, config: RunConfig, step: number, evals: readonly Loss[]): DataRead[] {
  const read = new Map<string, { part: MixPart; steps: { from: number; to: number }[]; tokens: number }>();
  for (const { phase, start, steps } of schedule(config)) {
    const end = Math.min(step, start + steps);
    if (end <= start) continue;
    const { mix } = settingsOf(config, phase);
    const sum = mix.reduce((n, { weight }) => n + weight, 0);
    for (const part of mix) {
      const of = read.get(sourceName(part)) ?? { part, steps: [], tokens: 0 };
      const last = of.steps.at(-1);
      if (last?.to === start) last.to = end;
      else of.steps.push({ from: start + 1, to: end });
      of.tokens += ((end - start) * config.tokensPerStep * part.weight) / sum;
      read.set(sourceName(part), of);
    }
  }
  return [...read].map(([source, { part, steps, tokens }]) => {
    const size = sizeOf(home, part);
    const isOf = (e: Loss): boolean =>
      part.dataset === config.dataset
        ? e.kind === 'validation' && e.dataset === ''
        : e.kind === 'datasetLoss' && e.dataset === part.dataset;
    const valLoss = evals.findLast(isOf)?.value ?? null;
    return { source, steps, tokens: Math.round(tokens), passes: size ? tokens / size : null, valLoss };
  });
}

function sizeOf(home: string, { dataset, subset }: MixPart): number | null {
  try {
    return subsetTokens(readManifest(path.join(datasetsDir(home), dataset)), subset);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
