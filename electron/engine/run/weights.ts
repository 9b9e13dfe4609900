import { UserError } from '../../base/errors.ts';
import type { OpenedCheckpoint } from '../checkpoint/index.ts';
import { hostArray } from '../devices/device.ts';
import { writeInitialWeights } from './initialWeights.ts';
import { initialize } from './initialize.ts';
import { initialLossScale } from './stability.ts';
import type { Run } from './run.ts';
import { formatOf, freshState, readTrainerState } from './state.ts';
import { restoreModel, restoreOptimizer } from './tensors.ts';

/** Begins a run: with fresh weights, or those of another, and no states. */
export async function begin(run: Run): Promise<void> {
  const { config, options, loaded } = run;
  const { session, programs } = loaded;
  const { model, training } = programs;
  const { initial } = options;
  if (config.init && !initial) throw new UserError('The initial weights of this run are missing.');
  if (initial) await writeInitialWeights(session, model, initial, config.init?.positions);
  else await initialize(session, model, config.seed);
  for (const { buffer } of training.optimizer.tensors) session.write(buffer, hostArray(buffer));
  await startWatch(run);
  run.state = { ...freshState, ...formatOf(training.optimizer), lossScale: initialLossScale(config.precision) };
}

/** Goes on from a checkpoint. */
export async function restore(run: Run, from: OpenedCheckpoint): Promise<void> {
  const { session, programs } = run.loaded;
  const { model, training } = programs;
  const state = readTrainerState(from.state);
  await restoreModel(session, model, from);
  await startWatch(run);
  await restoreOptimizer(session, model, training.optimizer, from, state);
  run.state = { ...state, ...formatOf(training.optimizer) };
  run.saved = state.step;
}

async function startWatch({ loaded: { session, programs }, watch }: Run): Promise<void> {
  // Behind what was written: a device that queues may be busy with it still, and then can't be read.
  await session.fetch([programs.training.stats]);
  watch.start(programs.model.parameters, ({ value }) => session.read(value));
}
