import { formatCount } from '../../../base/format.ts';
import path from 'node:path';
import { cardFiles } from '../../card.ts';
import { apart, exportModel } from '../../exchange.ts';
import { given } from '../given.ts';
import type { ExportInput } from '../inputs.ts';
import type { JobKind } from '../kind.ts';

export interface Exported {
  readonly dir: string;
}

/** Writes a checkpoint as a folder that Hugging Face's libraries load; it is there whole, or not at all. */
export const exporting: JobKind<ExportInput, Exported> = {
  restarts: true,
  describe(studio, { id, step, dir }) {
    const run = studio.store.runs.get(id);
    studio.checkpoints.of(run, step);
    return {
      title: `Export ${run.name}, step ${formatCount(step)}, to ${path.basename(dir)}`,
      run: run.id,
      slot: 'files',
    };
  },
  async run(studio, { id, step, dir, dtype, force, ...words }, { signal, progress }) {
    const run = studio.store.runs.get(id);
    const files = cardFiles(studio, run, step, dtype, given(words));
    const onProgress = (done: number, total: number): void => progress({ done, total, unit: 'tensors' });
    const course = { signal, onProgress };
    await exportModel(studio, run, step, dir, { dtype, force, files }, course, apart(studio.spawn));
    return { dir };
  },
};
