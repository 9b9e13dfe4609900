import { corpusFiles } from './corpus/files.ts';
import { type CorpusOptions, type CorpusProgress, prepareCorpus } from './corpus/prepare.ts';
import { prepareDataset } from './prepare.ts';
import type { Manifest } from './shards/index.ts';
import { everything, sameSubset } from './subsets.ts';

/** How far it is. Of plain text files, text is what they hold. */
export type PrepareProgress = Pick<CorpusProgress, 'doneBytes' | 'totalBytes' | 'textBytes' | 'tokens'>;

export interface PrepareFilesOptions extends Omit<CorpusOptions, 'onProgress'> {
  readonly onProgress?: (progress: PrepareProgress) => void;
}

/**
 * Makes a dataset of whatever files are named. Plain text files are documents of any length, and few of them give their end
 * for validation; where documents are lines, or packed, or chosen among, they are taken as a corpus.
 * @throws UserError as `prepareDataset` and `prepareCorpus` do
 */
export async function prepareFiles(options: PrepareFilesOptions): Promise<Manifest> {
  const { where = [], subset = everything } = options;
  const plain = corpusFiles(options.inputs).every((f) => f.format === 'text' && f.compression === 'none');
  const chosen = where.length > 0 || !sameSubset(subset, everything);
  return plain && !chosen ? prepareDataset(options) : prepareCorpus(options);
}
