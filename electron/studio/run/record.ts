import type { RunConfig } from '../../engine/config.ts';
import type { RunEvent } from '../../engine/trainer/events.ts';
import { schedule, totalSteps } from '../../engine/trainer/schedule.ts';
import type { MetricsWriter, Store } from '../store/index.ts';
import { recordHellaswag } from './hellaswag.ts';
import type { RunMemory } from './machine.ts';

/** Stores a run's config with other phases, and that they were changed. */
export function recordPhases(store: Store, id: string, config: RunConfig, step: number): void {
  const stepsTotal = totalSteps(schedule(config));
  const patch = { config, stepsTotal, tokensTotal: stepsTotal * config.tokensPerStep };
  const kinds = config.phases.map((p) => p.kind).join(', ');
  const message = `phases changed: ${kinds}; ${stepsTotal} steps in all`;
  store.changePhases(id, step, patch, message, config.phases);
}

/** Why an update was left out. A loss scale that is too large for float16 halves by itself. */
export const skipMessage = ({ step, lossScale }: Extract<RunEvent, { type: 'skip' }>): string =>
  lossScale > 1
    ? `step ${step} was skipped: its gradient overflowed at loss scale ${lossScale}, which is halved`
    : `step ${step} was skipped: its gradient is not finite`;

/** Of a run that goes on with another version of a library, or without it. */
export const otherBits =
  'products are multiplied in another way than before: from here on its numbers differ in the last bits';

/** Of a run whose checkpoint keeps moments of embeddings in another format than its config asks for. */
export const embeddingsMessage = ({ to }: Extract<RunEvent, { type: 'embeddingStates' }>): string =>
  to === 'float32'
    ? 'the checkpoint keeps the moments of the embeddings in few bits, which harms rare tokens: they were read and are float32 from here on (resume --embedding-states low-bit keeps them as they were, to the bit)'
    : 'the checkpoint keeps the moments of the embeddings in float32: from here on they are kept in few bits, which harms rare tokens';

/**
 * Stores what the engine tells of a run.
 * @param memory what the run's machine remembers: kept with a checkpoint
 * @throws UserError when the store does not take it
 */
export function record(store: Store, metrics: MetricsWriter, id: string, event: RunEvent, memory: RunMemory): void {
  const note = (level: 'info' | 'warning', message: string, data?: unknown) =>
    store.addEvent(id, 'step' in event ? event.step : null, level, event.type, message, data);
  switch (event.type) {
    case 'started':
      note('info', `training on ${event.device} from step ${event.step}`, event.memory);
      break;
    case 'otherBits':
      note('info', otherBits);
      break;
    case 'embeddingStates':
      note('info', embeddingsMessage(event));
      break;
    case 'metrics':
      metrics.add(event);
      break;
    case 'phase':
      store.addPhase(id, event.index, event.kind, event.step);
      note('info', `phase ${event.index + 1}: ${event.kind}`);
      break;
    case 'phases': {
      const config = { ...(store.getRun(id).config as RunConfig), phases: [...event.phases] };
      recordPhases(store, id, config, event.step);
      break;
    }
    case 'phasesRefused':
      note('info', `phases not changed: ${event.reason}`);
      break;
    case 'optimizer':
      note('info', `optimizer switched from ${event.from} to ${event.to}`, event.memory);
      break;
    case 'batch':
      note('info', `micro-batch changed from ${event.from} to ${event.to}`, event.memory);
      break;
    case 'skip':
      note(event.lossScale > 1 ? 'info' : 'warning', skipMessage(event));
      break;
    case 'recovery':
      metrics.flush();
      store.truncateAfter(id, event.to);
      note('warning', `went back to step ${event.to}: ${event.reason} (recovery ${event.recoveries})`, {
        to: event.to,
      });
      break;
    case 'evaluation':
      store.addEval(id, event.step, 'validation', event.valLoss, { tokens: event.tokens, bytes: event.bytes });
      break;
    case 'hellaswag':
      recordHellaswag(store, id, event.step, event.scores, event.result, event.key);
      break;
    case 'sample':
      store.addSample(id, event.step, event.prompt, event.seed, event.text);
      break;
    case 'checkpoint':
      store.addCheckpoint(id, { ...event, machine: memory });
      break;
    case 'checkpointRemoved':
      store.removeCheckpoint(id, event.step);
      break;
    case 'activity':
    case 'profile':
    case 'ended':
      break;
  }
}
