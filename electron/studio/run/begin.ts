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

/** How a run is begun. */
export interface Beginning {
  /** `queue`: even where its device is free. Absent: queued where another run trains on its device. */
  readonly start?: 'now' | 'queue' | undefined;
  /** What the request for it is called: one that is repeated is answered with the run that it has made. */
  readonly requestKey?: string | undefined;
  /** Called with the run's id in the transaction that stores it. */
  readonly onMade?: (id: string) => void;
}

/**
 * Makes a run and starts it, or queues it where another one trains on its device.
 * @throws UserError when it can't be trained: nothing is made then
 */
export function beginRun(studio: Studio, begin: Begin, beginning: Beginning = {}): Promise<StartedRun> {
  const { requestKey } = beginning;
  return requestKey === undefined
    ? make(studio, begin, beginning)
    : studio.runs.once(requestKey, () => make(studio, begin, beginning));
}

async function make(
  studio: Studio,
  { config, name, preset }: Begin,
  { start, requestKey, onMade = () => {} }: Beginning,
): Promise<StartedRun> {
  if (config.evaluation.hellaswagEvery > 0) await validationFile(studio.home);
  const how = start ?? (trainingOn(studio.store, config.device).length > 0 ? 'queue' : 'now');
  if (how === 'queue') {
    const { id } = await studio.runs.createQueued(config, name, { preset, requestKey, onMade });
    return { id, queued: true };
  }
  // Before it is made: nothing may come between that and its start.
  const { here } = await studio.time.estimate(config);
  const run = await studio.runs.create(config, name, {
    preset,
    requestKey,
    onMade(id) {
      studio.jobs.addTraining(id);
      onMade(id);
    },
  });
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
