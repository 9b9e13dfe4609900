/** Datasets: how they are made, and where they are. */
import path from 'node:path';
import type { PreviewOptions, TextPreview } from '../data/prepare/preview.ts';
import type { PrepareJob } from '../engine/process/messages.ts';
import type { DatasetDirs } from '../engine/run/data.ts';
import { datasetsDir } from './home.ts';
import { type Preparation, prepareApart, previewApart, threadsBeside } from './prepare.ts';
import type { Studio } from './studio.ts';

export class Datasets {
  readonly #studio: Studio;

  constructor(studio: Studio) {
    this.#studio = studio;
  }

  /** Prepares data in a process of its own, which gives way to runs. @throws UserError when it can't be prepared */
  prepare(options: Omit<PrepareJob['options'], 'home' | 'threads'>, signal?: AbortSignal): AsyncGenerator<Preparation> {
    this.#studio.store.requireInPlace();
    const threads = threadsBeside(this.#studio.training.isActive);
    return prepareApart({ ...options, home: this.#studio.home, threads }, this.#studio.spawn, signal);
  }

  /** Shows what text would become a dataset as it would be read. @throws UserError see `previewApart` */
  preview(options: PreviewOptions, signal?: AbortSignal): Promise<TextPreview> {
    return previewApart(options, this.#studio.spawn, signal);
  }

  /** Where datasets are, by their names. */
  dirsOf(names: readonly string[]): DatasetDirs {
    return Object.fromEntries(names.map((name) => [name, path.join(datasetsDir(this.#studio.home), name)]));
  }
}
