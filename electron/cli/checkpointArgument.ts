import { UsageError, UserError } from '../errors.ts';
import type { Run } from '../studio/store/index.ts';
import type { Studio } from '../studio/studio.ts';

export const checkpointHelp =
  "a run's id, the beginning of it, or its name; with @STEP one of its checkpoints, else the last";

/** The checkpoint that `RUN` or `RUN@STEP` names. @throws UserError when there is none */
export function findCheckpoint(studio: Studio, text: string): { run: Run; step: number } {
  const at = text.lastIndexOf('@');
  const wanted = at > 0 ? text.slice(at + 1) : undefined;
  if (wanted !== undefined && !/^\d+$/.test(wanted))
    throw new UsageError(`A checkpoint is RUN@STEP with a whole number, not "${text}".`);
  const run = studio.store.getRun(at > 0 ? text.slice(0, at) : text);
  const checkpoints = studio.store.listCheckpoints(run.id);
  const last = checkpoints.at(-1);
  if (!last) throw new UserError(`The run ${run.id} has no checkpoint yet: train it first.`);
  const step = wanted === undefined ? last.step : Number(wanted);
  if (!checkpoints.some((c) => c.step === step)) {
    throw new UserError(
      `The run ${run.id} has no checkpoint of step ${step}: it has ${checkpoints.map((c) => c.step).join(', ')}.`,
    );
  }
  return { run, step };
}
