import fs from 'node:fs';
import { isInTheMaking } from '../data/prepare/unfinished.ts';
import { datasetNames, loadDatasetInfo } from '../data/index.ts';
import type { TokenizerName } from '../data/tokenizers/index.ts';
import type { Phase, RunConfig } from '../engine/run/config.ts';
import { prepareStoppable, reportNotes, tokensLine } from './preparing.ts';

/**
 * Checks that what a config mixes is there, and what its phases name is a dataset or a text: before anything is read.
 * @throws UserError that names what is missing
 */
export function requireNamed(home: string, { mix = [], phases }: Pick<RunConfig, 'mix' | 'phases'>): void {
  for (const { dataset } of mix) loadDatasetInfo(home, dataset);
  for (const { dataset, mix: own = [], wait } of phases) {
    const isThere = (name: string): boolean => wait === true && isInTheMaking(home, name);
    for (const part of own) if (!isThere(part.dataset)) loadDatasetInfo(home, part.dataset);
    if (dataset !== undefined && !isThere(dataset) && !fs.existsSync(dataset)) loadDatasetInfo(home, dataset);
  }
}

/**
 * Phases whose data is a path get the name of the dataset that is made of it; names stay.
 * @returns undefined when the making was stopped
 * @throws UserError when there is neither a dataset nor a file
 */
export async function preparePhaseData(
  home: string,
  phases: readonly Phase[],
  tokenizer: TokenizerName,
): Promise<Phase[] | undefined> {
  const prepared: Phase[] = [];
  for (const phase of phases) {
    const { dataset, wait } = phase;
    if (dataset === undefined || (wait && isInTheMaking(home, dataset))) {
      prepared.push(phase);
      continue;
    }
    const isText = !datasetNames(home).includes(dataset) && fs.existsSync(dataset);
    const manifest = isText
      ? await prepareStoppable({ home, inputs: [dataset], tokenizer })
      : loadDatasetInfo(home, dataset);
    if (!manifest) return undefined;
    if (isText) {
      console.error(`dataset ${tokensLine(manifest)}`);
      reportNotes(manifest);
    }
    prepared.push({ ...phase, dataset: manifest.name });
  }
  return prepared;
}
