import { showMix } from '../../data/sampling/mix.ts';
import { numbered } from '../../engine/devices/choose.ts';
import { parameterCount } from '../../engine/models/index.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import { dataTitle, lastRate, schedule, settingsOf } from '../../engine/run/schedule.ts';
import { bestBitsPerByte, validationBytesPerToken } from '../../studio/evals.ts';
import { isLogged } from '../../base/log.ts';
import type { Run } from '../../studio/store/index.ts';
import type { Studio } from '../../studio/studio.ts';
import type { PhaseView, RunView } from '../types.ts';

interface Known {
  /** Of its validation data. */
  readonly bytesPerToken: number | null;
  readonly trainedMs: number | null;
}

const knownOf = ({ store }: Studio, run: Run): Known => ({
  bytesPerToken: validationBytesPerToken(store, run),
  trainedMs: store.metrics.trainedMs(run.id),
});

/**
 * A run as lists show it.
 * @param known of it, where that is known of many runs at once
 */
export function runView(studio: Studio, run: Run, { bytesPerToken, trainedMs }: Known = knownOf(studio, run)): RunView {
  const config = run.config as RunConfig;
  const { id, state, message } = run;
  return {
    id,
    state,
    message,
    name: run.name,
    stoppedEarly: run.stoppedEarly,
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    step: run.step,
    stepsTotal: run.stepsTotal,
    tokensSeen: run.tokensSeen,
    tokensTotal: run.tokensTotal,
    logged: state === 'failed' && isLogged(message ?? ''),
    doing: studio.training.doing(run),
    elsewhere: studio.training.isElsewhere(run),
    tokensPerSecond: state === 'training' ? studio.store.metrics.recentSpeed(id) : null,
    trainedMs,
    lastLoss: run.lastLoss,
    bestValLoss: run.bestValLoss,
    bestBitsPerByte: bestBitsPerByte(run, bytesPerToken),
    bytesPerToken,
    tokenizer: config.tokenizer,
    parameters: parameterCount(config.model),
    dataset: config.dataset,
    data: dataTitle(config),
    optimizer: config.optimizer.kind,
    precision: config.precision,
    device: numbered(config.device),
    tags: run.tags,
    notes: run.notes,
    preset: run.preset,
    archived: run.archived,
  };
}

export const phaseViews = (config: RunConfig): PhaseView[] =>
  schedule(config).map((scheduled) => {
    const { phase, index, start, steps, length } = scheduled;
    const { optimizer, batch, mix } = settingsOf(config, phase);
    return {
      phase,
      index,
      start,
      steps,
      length,
      lastRate: lastRate(scheduled),
      tokens: steps * config.tokensPerStep,
      optimizer,
      batch,
      data: showMix(mix),
    };
  });
