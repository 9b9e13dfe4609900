import { UserError } from '../../base/errors.ts';
import { type ItemScore, summarize } from '../../evals/hellaswag/score.ts';
import { scoreItems } from '../use/hellaswag.ts';
import { bytesOf, type Windows } from './data.ts';
import { during, isCancelled, type Run } from './run.ts';
import { settingsOf } from './schedule.ts';

/**
 * Takes the validation loss, and that of each further dataset.
 * @returns whether it came to its end: before, none of it counts as done
 */
export const evaluate = (run: Run): Promise<boolean> =>
  during(run, 'evaluating', async () => {
    const { options, loaded, config } = run;
    const { validation, tokenizer } = options;
    const valLoss = await loaded.programs.evaluator.meanLoss(loaded.session, validation, () => isCancelled(run));
    if (valLoss === undefined) return false;
    const { step, bestValLoss } = run.state;
    const better = step > 0 && Number.isFinite(valLoss) && (bestValLoss === null || valLoss < bestValLoss);
    const tokens = validation.count * config.model.contextLength;
    run.validationBytes ??= bytesOf(validation, tokenizer);
    run.log.emit({ type: 'evaluation', step, valLoss, tokens, bytes: run.validationBytes });
    for (const dataset of furtherDatasets(run)) if (!(await evaluateDataset(run, dataset))) return false;
    run.state = {
      ...run.state,
      evaluatedStep: step,
      valLoss: Number.isFinite(valLoss) ? valLoss : null,
      ...(better ? { bestValLoss: valLoss, bestStep: step } : {}),
    };
    return true;
  });

/** Datasets that the run's phases name beside its own and that are there. */
function furtherDatasets({ config, phases, options }: Run): string[] {
  if (config.evaluation.datasetSequences === 0) return [];
  const named = phases.flatMap(({ phase }) => settingsOf(config, phase).mix.map((part) => part.dataset));
  return [...new Set(named)].filter((dataset) => dataset !== config.dataset && options.training.isThere({ dataset }));
}

/** @returns whether it came to its end */
async function evaluateDataset(run: Run, dataset: string): Promise<boolean> {
  const { options, loaded, config } = run;
  const windows = windowsOf(run, dataset);
  if (!windows) return true;
  const loss = await loaded.programs.evaluator.meanLoss(loaded.session, windows, () => isCancelled(run));
  if (loss === undefined) return false;
  const tokens = windows.count * config.model.contextLength;
  const bytes = bytesOf(windows, options.tokenizer);
  run.log.emit({ type: 'datasetLoss', step: run.state.step, dataset, loss, tokens, bytes });
  return true;
}

/** A dataset whose validation data is shorter than a sequence has no loss of its own; the run trains on it all the same. */
function windowsOf({ options }: Run, dataset: string): Windows | undefined {
  try {
    return options.validationOf?.(dataset);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Scores HellaSwag items, as far as a stop lets it. */
export const evaluateHellaswag = (run: Run): Promise<void> =>
  during(run, 'evaluating', async () => {
    const { hellaswag } = run.options;
    if (!hellaswag) return;
    const { questions, key } = hellaswag;
    const { session, programs } = run.loaded;
    const { step } = run.state;
    const all: ItemScore[] = [];
    for await (const scores of scoreItems(session, programs.scorer!, questions, () => isCancelled(run))) {
      all.push(...scores);
      const result = all.length === questions.size ? summarize(all) : null;
      run.log.emit({ type: 'hellaswag', step, key, scores, result });
    }
    if (all.length === questions.size) run.state = { ...run.state, hellaswagStep: step };
  });
