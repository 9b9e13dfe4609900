import { checkpoint } from './checkpoints.ts';
import type { RunConfig } from './config.ts';
import { evaluate, evaluateHellaswag } from './evaluation.ts';
import type { Request } from './events.ts';
import { isOver, type Run } from './run.ts';
import { sample } from './samples.ts';
import { type ScheduledPhase, settingsAt, totalSteps } from './schedule.ts';

/** What a run's settings ask for behind a step, besides training. */
export interface Due {
  readonly evaluation: boolean;
  readonly hellaswag: boolean;
  readonly sample: boolean;
  readonly checkpoint: boolean;
}

/**
 * @param step optimizer steps taken; before the first and behind the last there is more to do
 * @param last whether none follows
 */
export function dueAt(
  config: RunConfig,
  phases: readonly ScheduledPhase[],
  step: number,
  last = step === totalSteps(phases),
): Due {
  const { evaluateEvery, checkpointEvery } = settingsAt(config, phases, Math.max(0, step - 1));
  const { hellaswagEvery } = config.evaluation;
  const edge = last || step === 0;
  const falls = (every: number): boolean => every > 0 && step % every === 0;
  return {
    evaluation: edge || falls(evaluateEvery),
    hellaswag: step > 0 && hellaswagEvery > 0 && (last || falls(hellaswagEvery)),
    sample: edge || falls(config.sampling.every ?? checkpointEvery),
    checkpoint: step > 0 && (last || falls(checkpointEvery)),
  };
}

/** Whether a step is followed by another at once. */
export const isNothingDue = (due: Due): boolean => !Object.values(due).some(Boolean);

/** Does what a step's place asks for, unless it was done before a stop: the evaluation, the samples and the checkpoint. */
export async function doWhatIsDue(run: Run): Promise<void> {
  const { step } = run.state;
  const due = dueAt(run.config, run.phases, step, isOver(run));
  if (due.evaluation && run.state.evaluatedStep !== step) await evaluate(run);
  if (due.hellaswag && run.state.hellaswagStep !== step) await evaluateHellaswag(run);
  if (due.sample && run.state.sampledStep !== step) await sample(run);
  if (run.requests.isStopped || step === 0 || run.saved === step) return;
  if (due.checkpoint || run.state.bestStep === step) await checkpoint(run);
}

/** Does what was asked for. */
export async function doWhatIsAsked(run: Run): Promise<void> {
  const asked = run.requests.takeOrders();
  if (asked.length === 0) return;
  const isAsked = (what: Request): boolean => asked.some((request) => request.what === what);
  const evaluated = isAsked('evaluate') && (await evaluate(run));
  const sampled = isAsked('sample') && (await sample(run));
  const { step, bestStep } = run.state;
  const isBest = evaluated && step > 0 && bestStep === step;
  if ((isAsked('checkpoint') || isBest) && run.saved !== step) await checkpoint(run);
  const done = { evaluate: evaluated, sample: sampled, checkpoint: true };
  for (const { id, what } of asked) run.log.emit({ type: 'asked', step, request: id, what, done: done[what] });
}

/** Says what was asked for too late, or cut short. A checkpoint is made in any case as the run comes to rest. */
export function dropRequests(run: Run): void {
  const { step } = run.state;
  for (const { id, what } of run.requests.takeOrders()) {
    const done = what === 'checkpoint' && run.saved === step;
    run.log.emit({ type: 'asked', step, request: id, what, done });
  }
}
