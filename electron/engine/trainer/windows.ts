import type { MixPart } from '../../data/mix.ts';

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
  /** Makes more datasets known. */
  add(dirs: DatasetDirs): void;
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
