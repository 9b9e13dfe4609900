/** What a run's engine said when its studio was gone. */
import { formatCount } from '../../base/format.ts';
import { UserError } from '../../base/errors.ts';
import { logDefect } from '../../base/log.ts';
import type { FromEngine } from '../../engine/process/messages.ts';
import { hasUnheard, readUnheard, removeUnheard } from '../../engine/process/orphan.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import type { Outcome } from '../../engine/run/events.ts';
import { runDir } from '../home.ts';
import type { Run, Store } from '../store/index.ts';
import { freshMemory, type RunMemory } from './machine.ts';
import { memoryAt } from './memory.ts';
import { record } from './record.ts';

/** Marks active runs whose processes are gone, and stores what their engines have left to say. @returns them */
export function markInterrupted(store: Store): Run[] {
  return store.runs.markInterrupted().map(({ id }) => {
    hear(store, id);
    return store.runs.get(id);
  });
}

/**
 * Stores what a run's engine has left to say, where it has: the steps that no studio heard of, and the checkpoint behind them.
 * Left alone where another process has the run by now, which does so itself.
 */
export function hear(store: Store, id: string): void {
  const folder = runDir(store.home, id);
  if (!hasUnheard(folder)) return;
  const isOwn = store.claims.isOwn(id);
  try {
    store.claims.take(id);
  } catch (error) {
    if (error instanceof UserError) return;
    throw error;
  }
  try {
    const messages = read(store, id, folder);
    store.atomically(() => keep(store, id, messages));
    removeUnheard(folder);
  } finally {
    if (!isOwn) store.claims.release(id);
  }
}

/** A file that is damaged tells nothing; the run goes on from a checkpoint that is recorded. */
function read(store: Store, id: string, folder: string): FromEngine[] {
  try {
    return readUnheard(folder);
  } catch (error) {
    logDefect(store.home, `what the engine of ${id} left`, error);
    return [];
  }
}

function keep(store: Store, id: string, messages: readonly FromEngine[]): void {
  const metrics = store.metrics.writer(id);
  let known = (store.checkpoints.list(id).at(-1)?.machine ?? freshMemory) as RunMemory;
  for (const message of messages) {
    if (message.type === 'flush') continue;
    if (message.type === 'error') {
      store.events.add(id, null, 'error', 'failed', message.message);
      continue;
    }
    if (message.type === 'skip') known = { ...known, skipped: message.skipped };
    if (message.type === 'recovery') known = { ...known, recoveries: message.recoveries };
    const step = 'step' in message ? message.step : known.step;
    const config = store.runs.get(id).config as RunConfig;
    record(store, metrics, id, message, { ...known, ...memoryAt(known, config, step) });
    if (message.type === 'ended') settle(store, id, message.outcome);
  }
  metrics.close();
}

/** Nobody has asked for the pause of a run whose studio died: it stays interrupted, and is resumed like one. */
function settle(store: Store, id: string, { state, step, stepsTotal, message }: Outcome): void {
  const isPaused = state === 'paused';
  const said = isPaused ? `its process ended; saved at step ${formatCount(step)}, from where it resumes` : message;
  // One that has its place in the queue by now keeps that.
  const waits = store.runs.get(id).state === 'queued' ? 'queued' : 'interrupted';
  store.runs.setState(id, isPaused ? waits : state, said, state === 'completed' && step < stepsTotal);
  store.events.add(id, step, state === 'failed' ? 'error' : 'info', isPaused ? 'saved' : state, said);
}
