import { type ItemScore, summarize } from '../../evals/hellaswag/score.ts';
import { scoreItems } from '../use/hellaswag.ts';
import { bytesOf } from './data.ts';
import { during, isCancelled, type Run } from './run.ts';

/** Takes the validation loss. @returns whether it came to its end */
export const evaluate = (run: Run): Promise<boolean> =>
  during(run, 'evaluating', async () => {
    const { options, loaded, config } = run;
    const { validation, tokenizer } = options;
    const valLoss = await loaded.programs.evaluator.meanLoss(loaded.session, validation, () => isCancelled(run));
    if (valLoss === undefined) return false;
    const { step, bestValLoss } = run.state;
    const better = step > 0 && Number.isFinite(valLoss) && (bestValLoss === null || valLoss < bestValLoss);
    run.state = {
      ...run.state,
      evaluatedStep: step,
      valLoss: Number.isFinite(valLoss) ? valLoss : null,
      ...(better ? { bestValLoss: valLoss, bestStep: step } : {}),
    };
    const tokens = validation.count * config.model.contextLength;
    run.validationBytes ??= bytesOf(validation, tokenizer);
    run.log.emit({ type: 'evaluation', step, valLoss, tokens, bytes: run.validationBytes });
    return true;
  });

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
