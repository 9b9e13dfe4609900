import type { RunConfig } from '../run/config.ts';
import { type ProgramSettings, schedule, settingsOf } from '../run/schedule.ts';
import type { StepTimes } from './speed.ts';

/** How long a run trains and is validated. */
export interface Duration {
  readonly trainSeconds: number;
  readonly evaluationSeconds: number;
  /** Of training alone. */
  readonly tokensPerSecond: number;
}

/** How often a number divides those from `start + 1` to `start + steps`; 0 divides none. */
const multiplesIn = (every: number, start: number, steps: number): number =>
  every === 0 ? 0 : Math.floor((start + steps) / every) - Math.floor(start / every);

/**
 * How long a run takes from its first step to its last, with its validations: before the first step, behind the last, and
 * at its intervals. Checkpoints, samples and HellaSwag are not counted.
 * @param timesOf the times of a phase's steps
 * @param windows sequences that its validation data has; more are not taken
 * @param from steps that it has trained already: what comes behind them is counted
 */
export function durationOf(
  config: RunConfig,
  timesOf: (settings: ProgramSettings) => StepTimes,
  windows = Number.POSITIVE_INFINITY,
  from = 0,
): Duration {
  const { model, tokensPerStep, evaluation } = config;
  const phases = schedule(config);
  const lastIndex = phases.length - 1;
  const named = phases.flatMap(({ phase }) => settingsOf(config, phase).mix.map(({ dataset }) => dataset));
  const further = new Set(named.filter((dataset) => dataset !== config.dataset)).size;
  const sequences = Math.min(evaluation.sequences, windows) + further * evaluation.datasetSequences;
  let [trainSeconds, evaluationSeconds, tokens] = [0, 0, 0];
  for (const { phase, index, start: first, steps: all } of phases) {
    const start = Math.max(first, from);
    const steps = first + all - start;
    if (steps <= 0) continue;
    const { optimizer, batch, evaluateEvery } = settingsOf(config, phase);
    const { microSeconds, updateSeconds, forwardSeconds } = timesOf({ optimizer, batch });
    trainSeconds += steps * ((tokensPerStep / (batch * model.contextLength)) * microSeconds + updateSeconds);
    tokens += steps * tokensPerStep;
    const endIsDue = evaluateEvery > 0 && (start + steps) % evaluateEvery === 0;
    const edges = Number(start === 0) + Number(index === lastIndex && !endIsDue);
    evaluationSeconds += (multiplesIn(evaluateEvery, start, steps) + edges) * sequences * forwardSeconds;
  }
  return { trainSeconds, evaluationSeconds, tokensPerSecond: tokens / trainSeconds };
}
