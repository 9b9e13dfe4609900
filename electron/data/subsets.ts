import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { Manifest } from './dataset/manifest.ts';

/** Documents fall into so many buckets: a subset is a range of them, in whole percent. */
export const buckets = 100;

/** The documents whose hash lies in [from, to) percent: disjoint ranges share no document, on any machine. */
export const subsetSchema = z
  .strictObject({ from: z.int().min(0).max(buckets), to: z.int().min(0).max(buckets) })
  .refine(({ from, to }) => from < to, 'a subset starts below its end, for example 0 to 50 (percent)');

export type Subset = z.infer<typeof subsetSchema>;

export const everything: Subset = { from: 0, to: buckets };

/**
 * The bucket of a document, by its identity alone.
 * @param sha256 of its text, in hexadecimal digits
 */
export const bucketOf = (sha256: string): number =>
  Math.floor((Number.parseInt(sha256.slice(-8), 16) / 2 ** 32) * buckets);

/**
 * Training tokens of a subset of a dataset.
 * @throws UserError when the dataset is not divided into subsets
 */
export function subsetTokens(
  manifest: Pick<Manifest, 'name' | 'trainTokens' | 'trainBuckets'>,
  subset: Subset,
): number {
  if (sameSubset(subset, everything)) return manifest.trainTokens;
  const { start, end } = subsetRange(manifest, subset);
  return end - start;
}

/** Where a subset's tokens lie in the training split. @throws UserError when the dataset is not divided into subsets */
export function subsetRange({ name, trainBuckets }: Pick<Manifest, 'name' | 'trainBuckets'>, { from, to }: Subset) {
  if (!trainBuckets) {
    throw new UserError(`The dataset ${name} was built by a version without subsets: tokenize its text again.`);
  }
  return { start: trainBuckets[from]!, end: trainBuckets[to]! };
}

export const sameSubset = (a: Subset, b: Subset): boolean => a.from === b.from && a.to === b.to;
export const overlap = (a: Subset, b: Subset): boolean => a.from < b.to && b.from < a.to;
export const showSubset = ({ from, to }: Subset): string => `${from}-${to}%`;
