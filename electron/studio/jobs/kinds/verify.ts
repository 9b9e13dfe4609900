import path from 'node:path';
import { datasetNames } from '../../../data/index.ts';
import { UserError } from '../../../base/errors.ts';
import { datasetsDir } from '../../home.ts';
import { runStoppable } from '../../run/job.ts';
import type { VerifyInput } from '../inputs.ts';
import type { JobKind } from '../kind.ts';

export interface Verified {
  readonly files: number;
  readonly problems: readonly string[];
}

/** Reads all of a dataset against its checksums, in a process of its own. */
export const verify: JobKind<VerifyInput, Verified> = {
  restarts: true,
  describe(studio, { name }) {
    if (!datasetNames(studio.home).includes(name)) throw new UserError(`There is no dataset "${name}".`);
    return { title: `Verify ${name}`, slot: 'files' };
  },
  async run(studio, { name }, { signal, progress }) {
    const dir = path.join(datasetsDir(studio.home), name);
    let verified: Verified | undefined;
    for await (const message of runStoppable({ type: 'verify', dir }, studio.spawn, signal)) {
      if (message.type === 'progress') progress({ done: message.done, total: message.total, unit: 'bytes' });
      else if (message.type === 'verified') verified = { files: message.files, problems: message.problems };
    }
    return verified!;
  },
};
