import fs from 'node:fs';
import { isInTheMaking } from '../data/corpus/unfinished.ts';
import { datasetNames, loadDatasetInfo, prepareDataset } from '../data/index.ts';
import type { TokenizerName } from '../data/tokenizers/index.ts';
import type { Phase } from '../engine/config.ts';

/** Phases whose data is a path get the name of the dataset that is made of it; names stay. @throws UserError when there is neither */
export async function preparePhaseData(
  home: string,
  phases: readonly Phase[],
  tokenizer: TokenizerName,
): Promise<Phase[]> {
  const prepared: Phase[] = [];
  for (const phase of phases) {
    const { dataset, wait } = phase;
    if (dataset === undefined || (wait && isInTheMaking(home, dataset))) {
      prepared.push(phase);
      continue;
    }
    const isText = !datasetNames(home).includes(dataset) && fs.existsSync(dataset);
    const { name } = isText
      ? await prepareDataset({ home, inputs: [dataset], tokenizer })
      : loadDatasetInfo(home, dataset);
    prepared.push({ ...phase, dataset: name });
  }
  return prepared;
}
