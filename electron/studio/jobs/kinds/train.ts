import { formatCount } from '../../../base/format.ts';
import { given } from '../given.ts';
import type { TrainInput } from '../inputs.ts';
import { type JobKind, restedError } from '../kind.ts';
import { trainSlot } from '../slots.ts';

export interface Trained {
  readonly message: string;
}

/** Trains a run from its last checkpoint to its end. */
export const train: JobKind<TrainInput, Trained> = {
  restarts: true,
  describe(studio, { id, device }) {
    const run = studio.store.runs.get(id);
    return { title: `Train ${run.name}`, run: run.id, slot: trainSlot(device ?? studio.runs.configOf(run).device) };
  },
  async run(studio, { id, ...others }, { signal, log }) {
    const { device, lowBitStates } = given(others);
    // Its studio died, and its engine brought it to its end.
    const { state: before, message: said } = studio.store.runs.get(id);
    if (before === 'completed') return { message: said ?? '' };
    const resumed = await studio.training
      .resume(studio.store.runs.get(id), device, lowBitStates)
      .catch(async (error) => {
        throw await studio.training.refuseQueued(id, error);
      });
    const { handle, step, refused, notice } = resumed;
    for (const { reason } of refused) log(reason);
    if (notice !== null) log(notice);
    log(`from step ${formatCount(step)}`);
    const pause = (): void => handle.pause();
    signal.addEventListener('abort', pause, { once: true });
    if (signal.aborted) pause();
    const end = await handle.ended;
    if (end.state === 'completed') return { message: end.message };
    throw restedError(end);
  },
  progress({ store }, { id }) {
    if (!store.runs.has(id)) return undefined;
    const { step, stepsTotal } = store.runs.get(id);
    return { done: step, total: stepsTotal ?? step, unit: 'steps' };
  },
  requeued(studio, { id }) {
    const { store } = studio;
    if (store.runs.has(id) && store.runs.get(id).state === 'interrupted')
      store.runs.setState(id, 'queued', store.runs.get(id).message);
  },
  dropped(studio, { id }, why) {
    if (studio.store.runs.has(id) && studio.store.runs.get(id).state === 'queued')
      studio.store.runs.setState(id, 'paused', why ?? 'removed from the queue before it started');
  },
};
