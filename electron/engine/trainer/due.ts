import type { RunConfig } from '../config.ts';
import { type ScheduledPhase, settingsAt, totalSteps } from './schedule.ts';

/** What a run's settings ask for behind a step, besides training. */
export interface Due {
  readonly evaluation: boolean;
  readonly hellaswag: boolean;
  readonly sample: boolean;
  readonly checkpoint: boolean;
}

/** @param step optimizer steps taken; before the first and behind the last there is more to do */
export function dueAt(config: RunConfig, phases: readonly ScheduledPhase[], step: number): Due {
  const { evaluateEvery, checkpointEvery } = settingsAt(config, phases, Math.max(0, step - 1));
  const { hellaswagEvery } = config.evaluation;
  const last = step === totalSteps(phases);
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
