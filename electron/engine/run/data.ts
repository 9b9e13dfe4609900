import { type MixPart, sourceName } from '../../data/sampling/mix.ts';
import { WindowSampler } from '../../data/sampling/index.ts';
import { type Dataset, isDataset, openDataset } from '../../data/dataset/index.ts';
import { FailureError } from '../../base/errors.ts';
import type { RunConfig } from './config.ts';
import { phasesLeft, schedule, settingsOf } from './schedule.ts';

/** One sequence: `targets` is `inputs` moved by one token. */
export interface Window {
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
}

/** The training data: the n-th sequence since a run's start, for any n. */
export interface Sequences {
  read(n: number): Window;
}

/** The folders of datasets by name. */
export type DatasetDirs = Readonly<Record<string, string>>;

/** Where the training data of a run's phases comes from. */
export interface TrainingData {
  /** @throws UserError when the source is not there or can't feed the model */
  open(source: Pick<MixPart, 'dataset' | 'subset'>): Sequences;
  /** Whether a source's dataset is prepared. */
  isThere(source: Pick<MixPart, 'dataset'>): boolean;
  /** Makes more datasets known. */
  add(dirs: DatasetDirs): void;
}

/**
 * Opens all that a run is still to be trained on: what is missing is told now rather than in three days. Phases that wait
 * for their data may be without it.
 * @param step optimizer steps taken
 * @throws UserError when a source is not there or can't feed the model
 */
export function openSources(training: TrainingData, config: RunConfig, step: number): void {
  for (const { phase } of phasesLeft(schedule(config), step)) {
    for (const source of settingsOf(config, phase).mix)
      if (!phase.wait || training.isThere(source)) training.open(source);
  }
}

/** A fixed set of windows, to evaluate on. */
export interface Windows {
  readonly count: number;
  read(index: number): Window;
}

/** Bytes of text that the targets of all windows stand for: what bits per byte are taken over. */
export function bytesOf(windows: Windows, tokenizer: { byteLength(ids: Iterable<number>): number }): number {
  let bytes = 0;
  for (let i = 0; i < windows.count; i++) bytes += tokenizer.byteLength(windows.read(i).targets);
  return bytes;
}

/** The datasets of a run, each opened once. */
export class RunData implements TrainingData {
  readonly #config: Pick<RunConfig, 'model' | 'tokenizer' | 'seed'>;
  readonly #dirs = new Map<string, string>();
  readonly #datasets = new Map<string, Dataset>();
  readonly #opened = new Map<string, Sequences>();

  constructor(config: RunConfig, dirs: DatasetDirs) {
    this.#config = config;
    this.add(dirs);
  }

  add(dirs: DatasetDirs): void {
    for (const [name, dir] of Object.entries(dirs)) this.#dirs.set(name, dir);
  }

  /** @throws UserError when it is not there, or its tokens are not the model's */
  dataset(name: string): Dataset {
    const known = this.#datasets.get(name);
    if (known) return known;
    const dir = this.#dirs.get(name);
    if (dir === undefined) throw new FailureError('data', `There is no dataset "${name}": add it first.`);
    const dataset = openDataset(dir);
    const { model, tokenizer } = this.#config;
    const { manifest } = dataset;
    // A model may have more rows than there are tokens: padding.
    if (manifest.vocabSize > model.vocabSize || manifest.tokenizer !== tokenizer) {
      dataset.close();
      throw new FailureError(
        'data',
        `The dataset ${name} has ${manifest.vocabSize} kinds of ${manifest.tokenizer} tokens and the model ${model.vocabSize} of ${tokenizer}: they don't belong together.`,
      );
    }
    this.#datasets.set(name, dataset);
    return dataset;
  }

  isThere({ dataset }: Pick<MixPart, 'dataset'>): boolean {
    const dir = this.#dirs.get(dataset);
    return dir !== undefined && isDataset(dir);
  }

  open(source: Pick<MixPart, 'dataset' | 'subset'>): Sequences {
    const name = sourceName(source);
    let sequences = this.#opened.get(name);
    if (!sequences) {
      const { model, seed } = this.#config;
      const tokens = this.dataset(source.dataset).trainSubset(source.subset);
      sequences = new WindowSampler(tokens, { contextLength: model.contextLength, seed }, `training data in ${name}`);
      this.#opened.set(name, sequences);
    }
    return sequences;
  }
}
