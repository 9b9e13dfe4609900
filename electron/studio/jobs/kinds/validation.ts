import { formatCount } from '../../../base/format.ts';
import { computeSlot } from '../slots.ts';
import type { ValidationInput } from '../inputs.ts';
import type { JobKind } from '../kind.ts';

export interface Validated {
  readonly valLoss: number;
  readonly tokens: number;
  readonly bytes: number;
}

/** The validation loss of a checkpoint, which is stored. */
export const validation: JobKind<ValidationInput, Validated> = {
  restarts: true,
  describe(studio, { id, step, device }) {
    const run = studio.store.runs.get(id);
    studio.checkpoints.of(run, step);
    return {
      title: `Validation loss of ${run.name}, step ${formatCount(step)}`,
      run: run.id,
      slot: computeSlot(studio.models.forJob(run, device).config.device),
    };
  },
  async run(studio, { id, step, sequences, dataset, device }, { signal, progress }) {
    const run = studio.store.runs.get(id);
    for await (const update of studio.models.evaluate(run, step, sequences, dataset, device, signal)) {
      if (update.kind === 'progress') progress({ done: update.done, total: update.total, unit: 'sequences' });
      else return { valLoss: update.valLoss, tokens: update.tokens, bytes: update.bytes };
    }
    throw signal.reason;
  },
};
