import { apart, importModel, importName } from '../../exchange.ts';
import { given } from '../given.ts';
import type { ImportInput } from '../inputs.ts';
import type { JobKind } from '../kind.ts';

export interface Imported {
  /** Of the run. */
  readonly id: string;
  /** What people should know of it. */
  readonly notices: readonly string[];
}

/** Makes a run of a model's folder: begun again, it would make another one. */
export const importing: JobKind<ImportInput, Imported> = {
  restarts: false,
  describe(studio, { dir, name }) {
    studio.store.requireInPlace();
    return { title: `Import ${name || importName(dir)}`, slot: 'files' };
  },
  async run(studio, { dir, name, ...options }, { signal, progress }) {
    const onProgress = (done: number, total: number): void => progress({ done, total, unit: 'tensors' });
    const course = { signal, onProgress };
    const ways = apart(studio.spawn);
    const { run, notices } = await importModel(studio, dir, name || undefined, given(options), course, ways);
    return { id: run.id, notices };
  },
};
