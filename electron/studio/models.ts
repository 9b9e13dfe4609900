/** What checkpoints are used for beside training: generating and evaluating, each in a process of its own. */
import path from 'node:path';
import { plural } from '../base/format.ts';
import { UserError } from '../base/errors.ts';
import { type DeviceChoice, deviceForJob } from '../engine/devices/choose.ts';
import type { RunConfig } from '../engine/run/config.ts';
import type { WritingOptions, Written } from '../engine/use/generate.ts';
import type { JobPlace } from '../engine/use/loadJob.ts';
import { countItems } from '../evals/hellaswag/items.ts';
import { type HellaswagResult, summarize } from '../evals/hellaswag/score.ts';
import { requireFile } from './givenPaths.ts';
import { datasetsDir } from './home.ts';
import { noData, requireTokens } from './run/data.ts';
import { fileKey, recordHellaswag, storedScores } from './run/hellaswag.ts';
import { holdersOf } from './run/holders.ts';
import { runJob } from './run/job.ts';
import type { Run } from './store/index.ts';
import type { Studio } from './studio.ts';

export type EvaluationProgress =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'done'; readonly valLoss: number; readonly tokens: number; readonly bytes: number };

export type HellaswagProgress =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly acc?: number }
  | { readonly kind: 'done'; readonly result: HellaswagResult };

/** Models as they are in checkpoints. */
export class Models {
  readonly #studio: Studio;

  constructor(studio: Studio) {
    this.#studio = studio;
  }

  /**
   * A run's config for a job with its weights, and where it works: on the run's device where that can be used, else on what
   * can.
   * @throws UserError when the device that is asked for can't be used
   */
  forJob(run: Run, asked?: DeviceChoice): { config: RunConfig; place: JobPlace } {
    const own = this.#studio.runs.configOf(run);
    const config = { ...own, device: deviceForJob(own.device, asked) };
    return { config, place: { findings: this.#studio.home, heldBy: holdersOf(this.#studio.store, config.device) } };
  }

  /**
   * Continues a prompt with a checkpoint's weights, in a process of its own.
   * @param device to work on, where it is not the run's
   * @yields pieces of text, and notices
   */
  async *generate(
    run: Run,
    step: number,
    prompt: string,
    sampling: WritingOptions,
    device?: DeviceChoice,
    signal?: AbortSignal,
  ): AsyncGenerator<Written> {
    const checkpoint = this.#studio.checkpoints.of(run, step).path;
    const job = { type: 'generate', ...this.forJob(run, device), checkpoint, prompt, sampling } as const;
    for await (const message of runJob(job, this.#studio.spawn, signal))
      if (message.type === 'text' || message.type === 'notice') yield { kind: message.type, text: message.text };
      else if (message.type === 'tokens') yield { kind: message.type, tokens: message.tokens };
  }

  /**
   * The validation loss of a checkpoint, in a process of its own; it is stored.
   * @param dataset whose validation split is taken, where it is not the run's own
   * @param device to work on, where it is not the run's
   * @yields progress, then the loss
   */
  async *evaluate(
    run: Run,
    step: number,
    sequences: number,
    dataset?: string,
    device?: DeviceChoice,
    signal?: AbortSignal,
  ): AsyncGenerator<EvaluationProgress> {
    const { config, place } = this.forJob(run, device);
    const checkpoint = this.#studio.checkpoints.of(run, step).path;
    const name = dataset ?? config.dataset;
    if (name === noData)
      throw new UserError(
        `The run ${run.name} was imported and has no data of its own: name a dataset to evaluate on.`,
      );
    requireTokens(this.#studio.home, name, config);
    const datasetDir = path.join(datasetsDir(this.#studio.home), name);
    const job = { type: 'evaluate', config, place, checkpoint, datasetDir, sequences } as const;
    for await (const message of runJob(job, this.#studio.spawn, signal)) {
      if (message.type === 'progress') yield { kind: 'progress', done: message.done, total: message.total };
      if (message.type !== 'result') continue;
      const { value, tokens, bytes } = message;
      const measure = measureOf(config, name, sequences);
      if (this.#studio.keeps)
        this.#studio.store.evals.add(run.id, step, 'validation', value, { sequences, tokens, bytes }, measure);
      yield { kind: 'done', valLoss: value, tokens, bytes };
    }
  }

  /**
   * Evaluates a checkpoint on the first items of a HellaSwag file, in a process of its own. Items that are done are stored
   * as they come, and not taken again.
   * @param device to work on, where it is not the run's
   * @yields progress with the accuracy so far, then the result, which is stored
   */
  async *hellaswag(
    run: Run,
    step: number,
    file: string,
    items: number,
    device?: DeviceChoice,
    signal?: AbortSignal,
  ): AsyncGenerator<HellaswagProgress> {
    const checkpoint = this.#studio.checkpoints.of(run, step).path;
    await requireFile(file);
    const key = fileKey(file);
    // Refused before a process is started for it.
    const total = Math.min(items, await countItems(file));
    const scores = storedScores(this.#studio.store, run.id, step, key).filter((s) => s.index < total);
    const progress = (): HellaswagProgress => {
      return {
        kind: 'progress',
        done: scores.length,
        total,
        ...(scores.length > 1 ? { acc: summarize(scores).acc } : {}),
      };
    };
    yield progress();
    if (scores.length < total) {
      const done = scores.map((s) => s.index);
      const job = { type: 'hellaswag', ...this.forJob(run, device), checkpoint, file, items: total, done } as const;
      for await (const message of runJob(job, this.#studio.spawn, signal)) {
        if (message.type !== 'scores' || message.scores.length === 0) continue;
        if (this.#studio.keeps) recordHellaswag(this.#studio.store, run.id, step, message.scores, null, key);
        scores.push(...message.scores);
        yield progress();
      }
    }
    const result = summarize(scores);
    if (this.#studio.keeps) recordHellaswag(this.#studio.store, run.id, step, [], result, key);
    yield { kind: 'done', result };
  }
}

/**
 * What tells validation losses apart that are other measures: of other data, or over another number of sequences. They do
 * not decide which checkpoint is the best.
 */
function measureOf(config: RunConfig, dataset: string, sequences: number): string {
  const isDefault = sequences === config.evaluation.sequences;
  if (dataset === config.dataset) return isDefault ? '' : plural(sequences, 'sequence');
  return `${plural(sequences, 'sequence')} of ${dataset}`;
}
