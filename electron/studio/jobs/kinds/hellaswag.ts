import { formatCount } from '../../../base/format.ts';
import type { HellaswagResult } from '../../../evals/hellaswag/score.ts';
import { validationFile } from '../../../evals/hellaswag/source.ts';
import { computeSlot } from '../slots.ts';
import type { HellaswagInput } from '../inputs.ts';
import type { JobKind } from '../kind.ts';

/** HellaSwag of a checkpoint, which is stored; items that are done are not done again. */
export const hellaswag: JobKind<HellaswagInput, HellaswagResult> = {
  restarts: true,
  describe(studio, { id, step, device }) {
    const run = studio.store.runs.get(id);
    studio.checkpoints.of(run, step);
    return {
      title: `HellaSwag of ${run.name}, step ${formatCount(step)}`,
      run: run.id,
      slot: computeSlot(studio.models.forJob(run, device).config.device),
    };
  },
  async run(studio, { id, step, items, file, device }, { signal, progress, log }) {
    const onProgress = (done: number, total: number): void => progress({ done, total, unit: 'bytes' });
    const run = studio.store.runs.get(id);
    const set = file ?? (await validationFile(studio.home, { onProgress, signal }));
    if (file === undefined) log(`items of ${set}`);
    for await (const update of studio.models.hellaswag(run, step, set, items, device, signal)) {
      if (update.kind === 'done') return update.result;
      const { done, total, acc } = update;
      progress({ done, total, unit: 'items', ...(acc === undefined ? {} : { detail: { acc } }) });
    }
    throw signal.reason;
  },
};
