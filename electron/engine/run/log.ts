import { modelFlopsPerToken } from '../models/index.ts';
import type { RunEvent } from './events.ts';
import type { Run, RunOptions } from './run.ts';
import type { StepResult } from './step.ts';

/** Steps that may be told before the studio has stored them. */
const maxUnflushed = 512;

/** What a run tells, and how much of it may not be stored yet. */
export class RunLog {
  readonly #options: Pick<RunOptions, 'emit' | 'flush'>;
  /** Of the model, to train on one token. */
  readonly flopsPerToken: number;
  #unflushed = 0;

  constructor(options: Pick<RunOptions, 'emit' | 'flush' | 'config'>) {
    this.#options = options;
    const { model } = options.config;
    this.flopsPerToken = modelFlopsPerToken(model, model.contextLength);
  }

  readonly emit = (event: RunEvent): void => {
    this.#options.emit(event);
    if (event.type === 'metrics') this.#unflushed++;
  };

  /** A studio that can't keep up is waited for: what it has not stored must not pile up here. */
  get isFull(): boolean {
    return this.#unflushed >= maxUnflushed;
  }

  /** Settles when all that was told is stored. */
  async flush(): Promise<void> {
    await this.#options.flush?.();
    this.#unflushed = 0;
  }
}

/** Tells on what a run trains, from where. */
export function logStart({ options, log: { emit }, memory, loaded, state, notices }: Run): void {
  const { step } = state;
  const { device, contextBytes } = options;
  const report = memory.report(loaded.programs.plan, loaded.session);
  const started = { ...report, ...(contextBytes === undefined ? {} : { contextBytes }) };
  emit({ type: 'started', step, device: device.description, memory: started });
  if (notices.otherBits) emit({ type: 'otherBits', step });
  if (notices.converted) emit({ type: 'lowBitStates', step, to: state.lowBitStates });
}

/** Tells what a step gave that was trained. */
export function logStep(
  { config: { tokensPerStep }, options, log, state }: Run,
  { loss, gradNorm, ms }: StepResult,
  { learningRate, lossScale }: { readonly learningRate: number; readonly lossScale: number },
): void {
  const tokensPerSecond = (tokensPerStep / ms) * 1000;
  log.emit({
    type: 'metrics',
    step: state.step,
    loss,
    learningRate,
    gradNorm,
    lossScale,
    stepMs: ms,
    tokensSeen: state.tokensSeen,
    tokensPerSecond,
    mfu: mfu(tokensPerSecond, log.flopsPerToken, options.peakFlops),
    memoryBytes: process.memoryUsage.rss(),
    time: Date.now(),
    ...options.system?.take(),
  });
}

/** Model FLOPs utilization: useful work a second over what the device could do at its peak. */
export function mfu(tokensPerSecond: number, flopsPerToken: number, peakFlops: number): number {
  return (tokensPerSecond * flopsPerToken) / peakFlops;
}
