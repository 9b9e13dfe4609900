import { formatPercent } from '../../base/format.ts';
import { z } from 'zod';
import { everything, overlap, sameSubset, showSubset, subsetSchema } from '../subsets.ts';

/** What is trained on: documents of a dataset, and how many sequences of them come beside those of others. */
export const mixPartSchema = z.strictObject({
  dataset: z.string().min(1),
  subset: subsetSchema.default(everything),
  /** The part of the sequences is this over the sum of all weights. */
  weight: z.number().positive().max(1e9).default(1),
});

export const mixSchema = z.array(mixPartSchema).min(1).max(100);

export type MixPart = z.infer<typeof mixPartSchema>;

/** A source of training data, as people read it. */
export const sourceName = ({ dataset, subset }: Pick<MixPart, 'dataset' | 'subset'>): string =>
  `${dataset} ${showSubset(subset)}`;

/** A mix, as people read it: parts in percent. */
export function showMix(mix: readonly MixPart[]): string {
  if (mix.length === 1) return sourceName(mix[0]!);
  const sum = mix.reduce((n, { weight }) => n + weight, 0);
  const percent = (weight: number): string => formatPercent(weight / sum);
  return mix.map((part) => `${percent(part.weight)} ${part.dataset}${showPart(part)}`).join(' + ');
}

const showPart = ({ subset }: MixPart): string => (sameSubset(subset, everything) ? '' : ` ${showSubset(subset)}`);

/** The first two parts of a mix that have documents in common. */
export function sharedDocuments(mix: readonly MixPart[]): readonly [MixPart, MixPart] | undefined {
  for (const [i, a] of mix.entries()) {
    const b = mix.slice(i + 1).find((other) => other.dataset === a.dataset && overlap(other.subset, a.subset));
    if (b) return [a, b];
  }
  return undefined;
}
