import fs from 'node:fs';
import { isInTheMaking } from '../data/prepare/unfinished.ts';
import { datasetNames, loadDatasetInfo } from '../data/index.ts';
import type { TokenizerName } from '../data/tokenizers/index.ts';
import type { Phase } from '../engine/run/config.ts';
import { prepareStoppable, reportNotes, tokensLine } from './preparing.ts';

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
