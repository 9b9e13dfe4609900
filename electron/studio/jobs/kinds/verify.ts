import path from 'node:path';
import { datasetNames } from '../../../data/index.ts';
import { verifyDataset } from '../../../data/dataset/verify.ts';
import { UserError } from '../../../base/errors.ts';
import { datasetsDir } from '../../home.ts';
import type { VerifyInput } from '../inputs.ts';
import type { JobKind } from '../kind.ts';

export interface Verified {
  readonly files: number;
  readonly problems: readonly string[];
}

/** Reads all of a dataset against its checksums. */
export const verify: JobKind<VerifyInput, Verified> = {
  restarts: true,
  describe(studio, { name }) {
    if (!datasetNames(studio.home).includes(name)) throw new UserError(`There is no dataset "${name}".`);
    return { title: `Verify ${name}`, slot: 'files' };
  },
  async run(studio, { name }, { signal, progress }) {
    return verifyDataset(path.join(datasetsDir(studio.home), name), {
      signal,
      onProgress: (done, total) => progress({ done, total, unit: 'bytes' }),
    });
  },
};
