import path from 'node:path';
import { discardUploads } from '../../uploads.ts';
import type { TokenizeInput } from '../inputs.ts';
import type { JobKind } from '../kind.ts';
import { given } from '../given.ts';

export interface Tokenized {
  /** Of the dataset. */
  readonly name: string;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** Makes a dataset of text; what is done of one that was left is not done again. */
export const tokenize: JobKind<TokenizeInput, Tokenized> = {
  restarts: true,
  describe(studio, { paths, name }) {
    studio.store.requireInPlace();
    const [first] = paths;
    const files = path.basename(first!) + (paths.length > 1 ? ` and ${paths.length - 1} more` : '');
    return { title: `Tokenize ${name === undefined ? files : `${files} as ${name}`}`, slot: 'tokenize' };
  },
  async run(studio, { paths: inputs, filter, ...rest }, { signal, progress }) {
    const where = [...(rest.where ?? []), ...(filter ? [filter] : [])];
    const options = given({ ...rest, where: where.length > 0 ? where : undefined });
    let made: Tokenized | undefined;
    for await (const update of studio.prepare({ inputs, ...options }, signal)) {
      if (update.kind === 'done') {
        const { name, cpuSeconds, peakBytes } = update;
        made = { name, cpuSeconds, peakBytes };
        continue;
      }
      const { doneBytes: done, totalBytes: total, textBytes, tokens } = update;
      progress({ done, total, unit: 'bytes', detail: { textBytes, tokens } });
    }
    if (!made) throw signal.reason;
    await discardUploads(studio.home, inputs);
    return made;
  },
};
