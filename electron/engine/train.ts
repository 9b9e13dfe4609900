import { formatCount, plural } from '../base/format.ts';
import { earlyMessage } from '../base/states.ts';
import { nextBatch, type Batch } from './run/batch.ts';
import { checkpoint, save } from './run/checkpoints.ts';
import { doWhatIsAsked, doWhatIsDue, dropRequests, dueAt, isNothingDue } from './run/due.ts';
import type { Outcome } from './run/events.ts';
import { logStart, logStep } from './run/log.ts';
import { changePhases, enterPhase, hasData } from './run/phases.ts';
import { type Bad, fail, recover } from './run/recovery.ts';
import { isOver, type Run } from './run/run.ts';
import { phaseAt, totalSteps } from './run/schedule.ts';
import { judge, nextLossScale } from './run/stability.ts';

/** How often a run looks whether its folder is still at its place. */
const lookEveryMs = 5000;

/**
 * Trains a run until its last phase has ended, it is told to stop or to finish, or training can't go on. Between two steps it
 * does what is due behind a step (evaluations, samples, checkpoints) and what is asked for from outside.
 */
export async function train(run: Run): Promise<Outcome> {
  try {
    const outcome = await trainToEnd(run);
    dropRequests(run);
    return outcome;
  } finally {
    await run.loaded.stepper.settle();
    run.folder.close();
  }
}

async function trainToEnd(run: Run): Promise<Outcome> {
  const first = run.state.step;
  logStart(run);
  await doWhatIsDue(run);
  let looked = performance.now();
  while (!run.requests.isStopped) {
    // A folder that is gone is told now, and not when the next checkpoint is due.
    if (performance.now() - looked > lookEveryMs) {
      if (run.folder.where().kind !== 'here') await save(run);
      looked = performance.now();
    }
    // With other phases this may be the run's last step.
    if (await changePhases(run)) await doWhatIsDue(run);
    await doWhatIsAsked(run);
    const { step } = run.state;
    if (isOver(run)) break;
    if (!(await hasData(run))) continue;
    await enterPhase(run);

    const bad = await trainStep(run);
    if (bad !== undefined) {
      if (await recover(run, bad)) continue;
      return fail(run, bad);
    }
    if (run.log.isFull) {
      await run.loaded.stepper.rest();
      await run.log.flush();
    }
    if (run.state.step > step) await doWhatIsDue(run);
  }
  // The step may have become the last one after it was trained.
  if (run.requests.isFinishing) await doWhatIsDue(run);
  if (run.saved !== run.state.step) await checkpoint(run);
  return atRest(run, first);
}

/**
 * Takes one optimizer step, which is skipped when its gradient is not finite.
 * @returns why training can't go on from it, where it can't
 */
async function trainStep(run: Run): Promise<Bad | undefined> {
  const { config, phases, state, log, loaded } = run;
  const { stepper, programs } = loaded;

  // The next batch: which sequences of which data, at which rate.
  const batch = nextBatch(config, phases, state);
  const { learningRate, lossScale, sequences } = batch;

  // Micro-steps: forward and backward over a part of the batch each. Their gradients add up.
  for (let at = await stepper.start(batch); at < sequences.length; at += programs.batch)
    await stepper.microBatch(batch, at);

  // The update: clips the gradient and moves weights and moments, unless the gradient is not finite.
  await stepper.update();
  const result = await stepper.result(() => batchBehind(run, batch));

  // The guard: is this a step to go on from?
  const { loss, skipped } = result;
  const verdict = judge(state.guards, { ...result, scaled: lossScale > 1 }, config.guards);
  const seen = {
    ...state,
    sequences: { ...batch.positions },
    lossScale: nextLossScale(state.lossScale, config.precision, skipped),
  };
  if (verdict.kind === 'recover') {
    run.state = seen;
    return { reason: `${verdict.reason} at step ${formatCount(state.step + 1)}, rate ${learningRate}`, skipped };
  }
  if (verdict.kind === 'skip') {
    run.state = { ...seen, guards: verdict.state, skipped: state.skipped + 1 };
    log.emit({ type: 'skip', step: state.step + 1, loss, skipped: state.skipped + 1, lossScale });
    return undefined;
  }
  run.state = {
    ...seen,
    guards: verdict.state,
    step: state.step + 1,
    updates: state.updates + 1,
    tokensSeen: state.tokensSeen + config.tokensPerStep,
  };

  // The log.
  run.watch.step(learningRate);
  logStep(run, result, batch);
  return undefined;
}

/** The batch of the step behind the one that is taken, where that goes well and nothing else is to be done in between. */
function batchBehind({ config, phases, state, requests }: Run, { positions }: Batch): Batch | undefined {
  const { step, updates, lossScale } = state;
  const isAlone =
    step + 1 < totalSteps(phases) &&
    phaseAt(phases, step + 1).index === phaseAt(phases, step).index &&
    requests.isEmpty &&
    isNothingDue(dueAt(config, phases, step + 1));
  if (!isAlone) return undefined;
  const scaleAfter = nextLossScale(lossScale, config.precision, false);
  return nextBatch(config, phases, {
    step: step + 1,
    updates: updates + 1,
    sequences: positions,
    lossScale: scaleAfter,
  });
}

function atRest({ state: { step }, phases, profile, log, requests }: Run, first: number): Outcome {
  const stepsTotal = totalSteps(phases);
  if (profile) log.emit({ type: 'profile', steps: step - first, ops: profile.byKind() });
  const [state, message] =
    step >= stepsTotal
      ? (['completed', `finished after ${plural(step, 'step')}`] as const)
      : requests.isFinishing
        ? (['completed', earlyMessage(step, stepsTotal)] as const)
        : (['paused', `paused at step ${formatCount(step)}, checkpoint saved`] as const);
  return { state, step, stepsTotal, message };
}
