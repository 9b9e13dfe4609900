import { UserError } from '../../base/errors.ts';
import { openDevice } from '../devices/choose.ts';
import { forwardShare, type StepTimes } from '../fit/speed.ts';
import type { RunConfig } from '../run/config.ts';
import type { ProgramSettings } from '../run/schedule.ts';
import { benchStep, DoesNotFit } from './step.ts';

/** Times of a step as they were measured: the median, and of its micro-batches the fastest and the slowest, in seconds. */
export interface MeasuredTimes extends StepTimes {
  readonly microSecondsRange: readonly [number, number];
}

/** How long steps of one kind are timed, at least twice each: what is short is repeated until its median is steady. */
const timedSeconds = 2;
const minRounds = 2;
const maxRounds = 50;

interface Timed {
  readonly settings: ProgramSettings;
  readonly times: MeasuredTimes;
}

/**
 * Takes a few real steps of a run on its device, with drawn weights and made-up tokens: nothing of it is kept.
 * @throws UserError when they don't fit the memory that is free
 */
export async function* timeRun(
  {
    config,
    settings: all,
    findings,
  }: { readonly config: RunConfig; readonly settings: readonly ProgramSettings[]; readonly findings: string },
  signal: AbortSignal,
): AsyncGenerator<Timed> {
  const { model, precision, recompute, tokensPerStep } = config;
  const { device } = await openDevice(config.device, { precision, findings });
  for (const settings of all) {
    const { batch, optimizer } = settings;
    const step = { model, batch, time: model.contextLength, precision, recompute, optimizer };
    const microBatches = tokensPerStep / (batch * model.contextLength);
    const bench = { ...step, lowBitStates: config.optimizer.lowBitStates, microBatches };
    const more = (rounds: number, seconds: number): boolean =>
      !signal.aborted && rounds < maxRounds && (rounds < minRounds || seconds < timedSeconds);
    try {
      const { microSeconds, updateSeconds, microSecondsRange } = await benchStep(device, bench, more);
      if (signal.aborted) return;
      const forwardSeconds = microSeconds * forwardShare({ model, batch, precision, recompute });
      yield { settings, times: { microSeconds, updateSeconds, forwardSeconds, microSecondsRange } };
    } catch (error) {
      if (error instanceof DoesNotFit) throw new UserError(`The step can't be timed now: ${error.message}.`);
      throw error;
    }
  }
}
