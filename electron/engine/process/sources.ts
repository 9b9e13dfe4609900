import { type MixPart, sourceName } from '../../data/mix.ts';
import { WindowSampler } from '../../data/sampling/index.ts';
import { type Dataset, isDataset, openDataset } from '../../data/shards/index.ts';
import { UserError } from '../../errors.ts';
import type { RunConfig } from '../config.ts';
import type { DatasetDirs, Sequences, TrainingData } from '../trainer/windows.ts';

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
    if (dir === undefined) throw new UserError(`There is no dataset "${name}": prepare it first.`);
    const dataset = openDataset(dir);
    const { model, tokenizer } = this.#config;
    const { manifest } = dataset;
    // A model may have more rows than there are tokens: padding.
    if (manifest.vocabSize > model.vocabSize || manifest.tokenizer !== tokenizer) {
      dataset.close();
      throw new UserError(
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
