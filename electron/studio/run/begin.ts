import { type RunConfig, parseRunConfig } from '../../engine/run/config.ts';
import { validationFile } from '../../evals/hellaswag/source.ts';
import { trainingOn } from '../jobs/slots.ts';
import type { Studio } from '../studio.ts';
import { recordPromise } from '../time/promise.ts';

/** What is to be trained, and under what name. */
export interface Begin {
  readonly config: RunConfig;
  readonly name: string;
  readonly preset: string | null;
}

/** The same of a dataset that is being made. */
export interface BeginLater extends Begin {
  /** What the config has in the place of the dataset's name. */
  readonly standIn: string;
}

/** Whether a run trains, or waits for its device. */
export interface StartedRun {
  readonly id: string;
  readonly queued: boolean;
}

/**
 * Makes a run and starts it, or queues it where another one trains on its device.
 * @param start `queue`: even where the device is free
 * @param onMade called with the run's id in the transaction that stores it
 * @throws UserError when it can't be trained: nothing is made then
 */
export async function beginRun(
  studio: Studio,
  { config, name, preset }: Begin,
  start?: 'now' | 'queue',
  onMade?: (id: string) => void,
): Promise<StartedRun> {
  if (config.evaluation.hellaswagEvery > 0) await validationFile(studio.home);
  const how = start ?? (trainingOn(studio.store, config.device).length > 0 ? 'queue' : 'now');
  if (how === 'queue') return { id: (await studio.runs.createQueued(config, name, preset, onMade)).id, queued: true };
  // Before it is made: a studio that dies between a run's making and its start would leave it without a job.
  const { here } = await studio.time.estimate(config);
  const run = await studio.runs.create(config, name, preset, onMade);
  studio.training.start(run);
  if (here) recordPromise(studio.store, run.id, here);
  return { id: run.id, queued: false };
}

/**
 * Starts a run, or queues it, that a process has made and did not live to start. One that trains, waits, or has come to rest
 * otherwise is left as it is.
 * @throws UserError when it can't be trained
 */
export async function startMade(studio: Studio, id: string): Promise<StartedRun> {
  const { store, jobs, training, runs } = studio;
  store.runs.markInterrupted();
  const run = store.runs.get(id);
  const waits = store.jobs.list({ state: ['queued', 'running'] }).some((job) => job.kind === 'train' && job.run === id);
  if (run.state !== 'interrupted' || waits) {
    jobs.begin();
    return { id, queued: run.state === 'queued' || waits };
  }
  const queued = trainingOn(store, runs.configOf(run).device).length > 0;
  if (queued) runs.enqueue(run);
  else await training.resume(run);
  return { id, queued };
}

/** A config with the name of the dataset that its text has become. */
export function withMade({ config, standIn }: BeginLater, dataset: string): RunConfig {
  const named = JSON.stringify(config, (key, value: unknown) =>
    key === 'dataset' && value === standIn ? dataset : value,
  );
  return parseRunConfig(JSON.parse(named));
}
