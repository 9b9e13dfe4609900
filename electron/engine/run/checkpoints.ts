import { UserError } from '../../base/errors.ts';
import { prune, removeStashed, vanishedMessage, writeCheckpoint } from '../checkpoint/index.ts';
import type { RunConfig } from './config.ts';
import { during, type Run } from './run.ts';
import { samePrograms, type ScheduledPhase, settingsOf } from './schedule.ts';
import { formatOf } from './state.ts';
import { modelEntries, optimizerEntries } from './tensors.ts';

/** So many of the scheduled checkpoints are kept to go back to. */
const keptScheduled = 2;

/**
 * Steps up to `step` whose checkpoints the config itself asks for, every so often and where a phase needs other programs,
 * the latest first: more than are kept. What a run goes back to must not depend on where its user paused it.
 */
export function scheduledUpTo(config: RunConfig, phases: readonly ScheduledPhase[], step: number): number[] {
  const settings = phases.map((p) => settingsOf(config, p.phase));
  const switches = phases
    .filter(({ index, start }) => start > 0 && start <= step && !samePrograms(settings[index]!, settings[index - 1]!))
    .map((p) => p.start);
  const regular: number[] = [];
  for (const { index, start, steps } of phases.toReversed()) {
    const every = settings[index]!.checkpointEvery;
    const last = Math.min(step, start + steps);
    for (let s = last - (last % every); every > 0 && s > start && regular.length <= keptScheduled; s -= every)
      regular.push(s);
  }
  return [...new Set([...regular, ...switches])].sort((a, b) => b - a);
}

/** Saves a run, and removes checkpoints that nobody needs any more. */
export async function checkpoint(run: Run): Promise<void> {
  await save(run);
  const { config, phases, options, log } = run;
  const { checkpointRoot } = options;
  const { step, bestStep, recovery } = run.state;
  // Those that a recovery goes back to: which they are must not depend on where the user paused.
  const keep = new Set([
    ...(bestStep === null ? [] : [bestStep]),
    ...scheduledUpTo(config, phases, step).slice(0, keptScheduled),
  ]);
  const removed = await prune(checkpointRoot, { keepLast: config.checkpoints.keepLast, keep });
  for (const gone of removed) log.emit({ type: 'checkpointRemoved', step: gone });
  if (recovery !== null && step >= recovery.until) await removeStashed(checkpointRoot);
}

/**
 * Writes a checkpoint, and looks at the weights and moments in it.
 * @throws UserError when the run's folder is not at its place any more: the checkpoint is written to where it is by now
 */
export const save = (run: Run): Promise<void> =>
  during(run, 'checkpointing', async () => {
    const { config, options, loaded, log, state, watch } = run;
    const { checkpointRoot, device, tokenizerFile } = options;
    const { session, programs } = loaded;
    const { training, model } = programs;
    const { step, bestStep } = state;
    const choices = device.choices?.();
    await log.flush();
    const where = run.folder.where();
    const look = watch.look(
      modelEntries(session, model.parameters),
      optimizerEntries(session, training),
      training.optimizer,
    );
    const written = await writeCheckpoint(where.kind === 'moved' ? where.to : checkpointRoot, step, {
      model: look.model,
      optimizer: look.optimizer,
      state: { trainer: state, config, ...(choices ? { device: choices } : {}) },
      ...(tokenizerFile === undefined ? {} : { beside: [tokenizerFile] }),
    });
    run.saved = step;
    log.emit({ type: 'checkpoint', step, path: written.dir, bytes: written.bytes, best: bestStep === step });
    if (where.kind !== 'here') throw new UserError(vanishedMessage(checkpointRoot, where, written));
    const { lost, jumps, rates } = look.findings();
    const format = formatOf(training.optimizer);
    if (lost.length > 0) log.emit({ type: 'lostMoments', step, ...format, tensors: lost });
    if (jumps.length > 0) log.emit({ type: 'weightJump', step, ...format, tensors: jumps, rates });
  });
