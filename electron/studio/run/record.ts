import { formatCount, plural } from '../../base/format.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import { familyOf, type LowBitStates, type OptimizerKind, optimizerOf } from '../../engine/optimizers/index.ts';
import type { Request, RunEvent } from '../../engine/run/events.ts';
import { schedule, totalSteps } from '../../engine/run/schedule.ts';
import { checkpointDir } from '../home.ts';
import type { MetricsWriter, Store } from '../store/index.ts';
import { recordHellaswag } from './hellaswag.ts';
import type { RunMemory } from './machine.ts';

/**
 * Stores a run's config with other phases, and that they were changed.
 * @param before what is told of those that it had
 */
export function recordPhases(
  store: Store,
  id: string,
  config: RunConfig,
  step: number,
  before: string | null = null,
): void {
  const stepsTotal = totalSteps(schedule(config));
  const patch = { config, stepsTotal, tokensTotal: stepsTotal * config.tokensPerStep };
  const kinds = config.phases.map((p) => p.kind).join(', ');
  const said = before === null ? '' : `${before}; `;
  const message = `${said}phases updated: ${kinds}; ${plural(stepsTotal, 'step')} in total`;
  store.runs.changePhases(id, step, patch, message, config.phases);
}

/** Why an update was left out. A loss scale that is too large for float16 halves by itself. */
export const skipMessage = ({ step, lossScale }: Extract<RunEvent, { type: 'skip' }>): string =>
  lossScale > 1
    ? `step ${formatCount(step)} was skipped: its gradient overflowed at loss scale ${lossScale}, which is halved`
    : `step ${formatCount(step)} was skipped: its gradient is not finite`;

const requested: Readonly<Record<Request, string>> = {
  evaluate: 'the evaluation',
  sample: 'the samples',
  checkpoint: 'the checkpoint',
};

/** Of a request that was accepted and not done. */
export const droppedMessage = (what: Request): string =>
  `${requested[what]} that was requested was dropped: the run ended first`;

/** Of a run that goes on with another version of a library, or without it. */
export const otherBits = 'matmul numerics changed: results are not bit-exact from here on';

/** Of a run whose checkpoint keeps low-bit moments in another format than its config asks for. */
export const lowBitMessage = ({ to }: Extract<RunEvent, { type: 'lowBitStates' }>): string =>
  to === 'stable'
    ? "the checkpoint keeps moments by the papers' formulas, which harm rare tokens: its codes were read, and embeddings have float32 moments from here on (resume --low-bit-states paper continues bit-exactly instead)"
    : "the checkpoint keeps stable low-bit moments: they were read, and are kept by the papers' formulas from here on, which harm rare tokens";

const andOthers = (count: number): string =>
  count > 1 ? ` and of ${count - 1} other ${count === 2 ? 'tensor' : 'tensors'}` : '';

/** What to do about an optimizer that harms weights. */
function remedy({
  optimizer,
  lowBitStates,
}: {
  readonly optimizer: OptimizerKind;
  readonly lowBitStates: LowBitStates;
}): string {
  if (!optimizerOf(optimizer).lowBit) return 'restart with a lower learning rate';
  if (lowBitStates === 'paper')
    return 'pause it and resume with --low-bit-states stable, or continue from an earlier checkpoint';
  return `add a phase with ${familyOf(optimizer)[0]}, or continue from an earlier checkpoint with it`;
}

/** Of moments that are rounded to 0: what it does, and what helps. */
export const lostMessage = (event: Extract<RunEvent, { type: 'lostMoments' }>): string => {
  const { step, optimizer, tensors } = event;
  const { tensor, share } = tensors[0]!;
  return `step ${formatCount(step)}: ${(100 * share).toFixed(1)} % of the second moments of ${tensor}${andOthers(tensors.length)} are 0 beside a first moment that is not, so that its weights make steps of any size (${optimizer}): ${remedy(event)}`;
};

/** Of weights that have moved further than their optimizer can move them. */
export const jumpMessage = (event: Extract<RunEvent, { type: 'weightJump' }>): string => {
  const { step, optimizer, tensors, rates } = event;
  const { tensor, from, to } = tensors[0]!;
  return `step ${formatCount(step)}: the largest weight of ${tensor}${andOthers(tensors.length)} grew from ${from.toPrecision(3)} to ${to.toPrecision(3)} since the last check, where ${optimizerOf(optimizer).family} with exact moments moves one by about ${rates.toPrecision(2)} at most (${optimizer}): ${remedy(event)}`;
};

/**
 * Stores what the engine tells of a run.
 * @param memory what the run's machine remembers: kept with a checkpoint
 * @throws UserError when the store does not take it
 */
export function record(store: Store, metrics: MetricsWriter, id: string, event: RunEvent, memory: RunMemory): void {
  const note = (level: 'info' | 'warning', message: string, data?: unknown) =>
    store.events.add(id, 'step' in event ? event.step : null, level, event.type, message, data);
  switch (event.type) {
    case 'started':
      note('info', `training on ${event.device} from step ${formatCount(event.step)}`, event.memory);
      break;
    case 'otherBits':
      note('info', otherBits);
      break;
    case 'lowBitStates':
      note('info', lowBitMessage(event));
      break;
    case 'metrics':
      metrics.add(event);
      break;
    case 'phase':
      store.phases.add(id, event.index, event.kind, event.step);
      note('info', `phase ${event.index + 1}: ${event.kind}`);
      break;
    case 'phases': {
      const config = { ...(store.runs.get(id).config as RunConfig), phases: [...event.phases] };
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
      store.runs.truncateAfter(id, event.to);
      note('warning', `rolled back to step ${formatCount(event.to)}: ${event.reason} (rollback ${event.recoveries})`, {
        to: event.to,
      });
      break;
    case 'evaluation':
      store.evals.add(id, event.step, 'validation', event.valLoss, { tokens: event.tokens, bytes: event.bytes });
      break;
    case 'datasetLoss':
      store.evals.add(
        id,
        event.step,
        'datasetLoss',
        event.loss,
        { tokens: event.tokens, bytes: event.bytes },
        event.dataset,
      );
      break;
    case 'hellaswag':
      recordHellaswag(store, id, event.step, event.scores, event.result, event.key);
      break;
    case 'sample':
      store.samples.add(id, event.step, event.prompt, event.seed, event.text);
      break;
    case 'checkpoint':
      // By its place in the home, also where that was moved: the database was moved along.
      store.checkpoints.add(id, { ...event, path: checkpointDir(store.home, id, event.step), machine: memory });
      break;
    case 'asked':
      if (!event.done) store.events.add(id, event.step, 'warning', 'dropped', droppedMessage(event.what));
      break;
    case 'checkpointRemoved':
      store.checkpoints.remove(id, event.step);
      break;
    case 'lostMoments':
      note('warning', lostMessage(event), { tensors: event.tensors });
      break;
    case 'weightJump':
      note('warning', jumpMessage(event), { tensors: event.tensors });
      break;
    case 'activity':
    case 'profile':
    case 'ended':
      break;
  }
}
