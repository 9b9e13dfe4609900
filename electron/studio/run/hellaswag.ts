import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { RunConfig } from '../../engine/run/config.ts';
import { UserError } from '../../base/errors.ts';
import type { HellaswagResult, ItemScore } from '../../evals/hellaswag/score.ts';
import { cachedFile, validationSet } from '../../evals/hellaswag/source.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import type { Store } from '../store/index.ts';

/** Of the validation set as it is published. */
const standard = '';

/**
 * What tells results on one file's items from those on another's: nothing for the validation set, else some of its checksum.
 * @throws UserError when it can't be read
 */
export function fileKey(file: string): string {
  try {
    const sha256 = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
    return sha256 === validationSet.sha256 ? standard : sha256.slice(0, 8);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`HellaSwag's items can't be read from ${file}: ${meaningOf(error)}.`);
  }
}

const taskOf = (key: string): string => (key === standard ? 'hellaswag' : `hellaswag ${key}`);

/** Stores scores of items as they come and, when it is there, what they come to. */
export function recordHellaswag(
  store: Store,
  id: string,
  step: number,
  scores: readonly ItemScore[],
  result: HellaswagResult | null,
  key = standard,
): void {
  const items = scores.map(({ index, ...data }) => ({ item: index, data }));
  store.itemScores.add(id, step, taskOf(key), items);
  const dataset = `${result?.items} items${key === standard ? '' : ` of ${key}`}`;
  if (result) store.evals.add(id, step, 'hellaswag', result.acc, result, dataset);
}

/** Scores of items that were taken before, by their place. */
export const storedScores = (store: Store, id: string, step: number, key: string): ItemScore[] =>
  store.itemScores
    .list(id, step, taskOf(key))
    .map(({ item, data }) => ({ index: item, ...(data as Omit<ItemScore, 'index'>) }));

/** The file of the items that a run is evaluated on while it trains, if it is. @throws UserError when it is not there */
export function hellaswagOf(home: string, config: RunConfig): { hellaswag?: { file: string; key: string } } {
  if (config.evaluation.hellaswagEvery === 0) return {};
  const file = cachedFile(home);
  if (fs.existsSync(file)) return { hellaswag: { file, key: fileKey(file) } };
  throw new UserError(
    'This run evaluates on the HellaSwag val set, which is not downloaded yet: run `trainyard eval fetch`, then start again.',
  );
}
