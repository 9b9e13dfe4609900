import type { HellaswagQuestion } from '../../evals/hellaswag/questions.ts';
import type { ItemScore } from '../../evals/hellaswag/score.ts';
import type { OpenedCheckpoint } from '../checkpoint/index.ts';
import type { RunConfig } from '../run/config.ts';
import { Model } from '../models/programs.ts';
import { scoreItems } from './hellaswag.ts';
import { type JobPlace, loadJob } from './loadJob.ts';
import { Scorer } from './scorer.ts';
import { Evaluator } from '../run/evaluator.ts';
import { restoreModel, type StoredWeights } from '../run/tensors.ts';
import type { Windows } from '../run/data.ts';

/** The mean loss of a checkpoint's weights over some windows, in nats a token. */
export async function evaluate(
  checkpoint: OpenedCheckpoint,
  config: RunConfig,
  windows: Windows,
  place: JobPlace,
  onProgress: (done: number) => void,
): Promise<number> {
  const model = new Model(config.model, config.precision);
  const evaluator = new Evaluator(model, Math.min(config.batch, windows.count), config.model.contextLength);
  const session = await loadJob('Evaluating', config, [evaluator.program, model.castWeights], place);
  try {
    await restoreModel(session, model, checkpoint);
    return (await evaluator.meanLoss(session, windows, undefined, onProgress))!;
  } finally {
    session.close();
  }
}

/** Scores HellaSwag items with some weights. @yields those that are done, batch by batch */
export async function* hellaswag(
  weights: StoredWeights,
  config: RunConfig,
  questions: ReadonlyMap<number, HellaswagQuestion>,
  place: JobPlace,
): AsyncGenerator<ItemScore[]> {
  const model = new Model(config.model, config.precision);
  const scorer = new Scorer(model);
  const session = await loadJob('Evaluating', config, [scorer.program, model.castWeights], place);
  try {
    await restoreModel(session, model, weights);
    yield* scoreItems(session, scorer, questions);
  } finally {
    session.close();
  }
}
