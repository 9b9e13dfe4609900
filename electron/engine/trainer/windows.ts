import type { MixPart } from '../../data/mix.ts';
import type { RunConfig } from '../config.ts';
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
