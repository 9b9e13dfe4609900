import { formatCount } from '../base/format.ts';
import { UsageError, UserError } from '../base/errors.ts';
import type { Run } from '../studio/store/index.ts';
import type { Studio } from '../studio/studio.ts';

export const runHelp = "a run's ID, a prefix of it, or its name";
export const checkpointHelp = `${runHelp}; @STEP picks a checkpoint, else the latest`;

/** `RUN@STEP` in its parts; a name may have an @, so the last one counts. Undefined where no step stands behind one. */
function parts(text: string): { run: string; step: number } | undefined {
  const match = /^([^]+)@(\d+)$/.exec(text);
  return match ? { run: match[1]!, step: Number(match[2]) } : undefined;
}

/** The run that a text means, or the words of why it means none. */
function lookUp(studio: Studio, text: string): Run | UserError {
  try {
    return studio.store.runs.get(text);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

/**
 * The run that a text means: by its id, the beginning of it, or its name, which may have an @.
 * @throws UserError where there is none; UsageError where the text means one of its checkpoints
 */
export function findRun(studio: Studio, text: string): Run {
  const found = lookUp(studio, text);
  if (!(found instanceof UserError)) return found;
  const named = parts(text);
  const of = named && lookUp(studio, named.run);
  if (!of || of instanceof UserError) throw found;
  throw new UsageError(
    `${text} means a checkpoint of the run ${of.id}, and this takes a run: leave out @${named.step}.`,
  );
}

/**
 * What `RUN` or `RUN@STEP` means: a run, and of its checkpoints which one. A run whose name looks like `RUN@STEP` is meant by
 * its name, unless there is such a checkpoint as well.
 * @throws UserError when there is none, or there are two
 */
export function findPlace(studio: Studio, text: string): { run: Run; step: number | undefined } {
  const whole = lookUp(studio, text);
  const named = parts(text);
  const of = named && lookUp(studio, named.run);
  const run = of instanceof UserError ? undefined : of;
  if (!(whole instanceof UserError)) {
    if (run && named && hasCheckpoint(studio, run, named.step))
      throw new UserError(
        `${text} is the name of the run ${whole.id} and step ${formatCount(named.step)} of the run ${run.id}: say ${whole.id} or ${run.id}@${named.step}.`,
      );
    return { run: whole, step: undefined };
  }
  if (run && named) return { run, step: named.step };
  // Two runs of one name, or two ids that begin so: the part before the @ is what has to be told apart.
  if (of) throw of;
  const at = text.lastIndexOf('@');
  if (at > 0 && !(lookUp(studio, text.slice(0, at)) instanceof UserError))
    throw new UsageError(`A checkpoint is RUN@STEP with a whole number, not "${text}".`);
  throw whole;
}

const hasCheckpoint = (studio: Studio, run: Run, step: number): boolean =>
  studio.store.checkpoints.list(run.id).some((c) => c.step === step);

/** The checkpoint that `RUN` or `RUN@STEP` names. @throws UserError when there is none */
export function findCheckpoint(studio: Studio, text: string): { run: Run; step: number } {
  const { run, step: wanted } = findPlace(studio, text);
  const checkpoints = studio.store.checkpoints.list(run.id);
  const last = checkpoints.at(-1);
  if (!last) throw new UserError(`The run ${run.id} has no checkpoint yet: train it first.`);
  const step = wanted ?? last.step;
  if (!checkpoints.some((c) => c.step === step)) {
    throw new UserError(
      `The run ${run.id} has no checkpoint of step ${formatCount(step)}: it has ${checkpoints.map((c) => c.step).join(', ')}.`,
    );
  }
  return { run, step };
}
