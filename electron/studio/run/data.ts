import { formatCount, plural } from '../../base/format.ts';
import path from 'node:path';
import { sourceName } from '../../data/sampling/mix.ts';
import { isInTheMaking } from '../../data/prepare/unfinished.ts';
import { datasetNames } from '../../data/index.ts';
import { type Manifest, readManifest } from '../../data/dataset/index.ts';
import { everything, sameSubset, subsetTokens } from '../../data/subsets.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import { namedDatasets, phasesLeft, schedule, settingsOf } from '../../engine/run/schedule.ts';
import { FailureError, UsageError, UserError } from '../../base/errors.ts';
import { datasetsDir } from '../home.ts';
import type { Store } from '../store/index.ts';
import { noData } from './noData.ts';

export { noData };

/** All datasets that a config names. */
export const datasetsOf = (config: RunConfig): string[] => [
  ...new Set([config.dataset, ...(config.mix ?? []).map((m) => m.dataset), ...namedDatasets(config.phases)]),
];

/** The names of the runs that train on a dataset. */
export const datasetUsers = (store: Store, name: string): string[] =>
  store.runs.list().flatMap((run) => (datasetsOf(run.config as RunConfig).includes(name) ? [run.name] : []));

/** The same of all datasets at once: runs are many. */
export function usersByDataset(store: Store): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  for (const run of store.runs.list()) {
    for (const name of datasetsOf(run.config as RunConfig)) {
      const runs = users.get(name) ?? [];
      runs.push(run.name);
      users.set(name, runs);
    }
  }
  return users;
}

/** The description of a dataset whose tokens are a model's. @throws UserError when it is not there, or has others */
export function requireTokens(home: string, name: string, { model, tokenizer }: RunConfig): Manifest {
  if (name === noData)
    throw new UsageError('An imported model has no data: train it as a new run, with `trainyard train --from`.');
  const names = datasetNames(home);
  if (!names.includes(name)) {
    const others = names.length > 0 ? `, or choose from ${names.join(', ')}` : '';
    throw new FailureError('data', `There is no dataset "${name}": tokenize its text${others}.`);
  }
  const manifest = readManifest(path.join(datasetsDir(home), name));
  if (manifest.tokenizer === tokenizer && manifest.vocabSize <= model.vocabSize) return manifest;
  throw new UsageError(
    `The dataset ${name} is tokenized with ${manifest.tokenizer} (vocabulary ${manifest.vocabSize}), and the model uses ${tokenizer} (vocabulary ${model.vocabSize}): tokenize its text with the run's tokenizer.`,
  );
}

/** Undefined of a dataset that is damaged: its check says so. */
function validationTokens(home: string, name: string): number | undefined {
  try {
    return readManifest(path.join(datasetsDir(home), name)).valTokens;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/**
 * What is told of datasets that a run trains on beside its own and whose validation part is too short for a loss of their
 * own. One that is not there is no matter of this.
 */
export function notValidated(home: string, config: RunConfig): string[] {
  const { model, evaluation, phases } = config;
  if (evaluation.datasetSequences === 0) return [];
  const named = phases.flatMap((phase) => settingsOf(config, phase).mix.map((part) => part.dataset));
  return [...new Set(named)].flatMap((name) => {
    if (name === config.dataset || !datasetNames(home).includes(name)) return [];
    const valTokens = validationTokens(home, name);
    return valTokens === undefined || valTokens > model.contextLength
      ? []
      : [
          `The validation part of ${name} has ${plural(valTokens, 'token')}, fewer than a sequence (${formatCount(model.contextLength + 1)}): no validation loss is computed for it. It is trained on all the same.`,
        ];
  });
}

/**
 * Checks that the data of every phase that is still to be trained is there, in the model's tokens, and enough of it.
 * @param step optimizer steps taken
 * @throws UserError that names the dataset
 */
export function requireData(home: string, config: RunConfig, step = 0): void {
  const { model } = config;
  const manifestOf = (name: string): Manifest => requireTokens(home, name, config);
  const requireWindow = (what: string, tokens: number, part = '') => {
    if (tokens > model.contextLength) return;
    const ways = [part, 'more text', tokens > 1 ? `a context of ${tokens - 1}` : ''].filter(Boolean);
    throw new UsageError(
      `A context of ${model.contextLength} needs ${plural(model.contextLength + 1, 'token')} in each part, and ${what} has ${plural(tokens, 'token')}: use ${ways.join(' or ')}.`,
    );
  };
  requireWindow(`the validation part of ${config.dataset}`, manifestOf(config.dataset).valTokens);
  for (const { phase } of phasesLeft(schedule(config), step)) {
    for (const source of settingsOf(config, phase).mix) {
      if (phase.wait && isInTheMaking(home, source.dataset)) continue;
      const manifest = manifestOf(source.dataset);
      const tokens = subsetTokens(manifest, source.subset);
      const isPart = !sameSubset(source.subset, everything);
      const documents = manifest.documents ?? manifest.sources.length;
      const part = isPart ? `a larger part of its ${documents} ${documents === 1 ? 'document' : 'documents'}` : '';
      requireWindow(`the training part of ${sourceName(source)}`, tokens, part);
    }
  }
}
