import type { HellaswagQuestion } from '../../evals/hellaswag/questions.ts';
import type { ItemScore } from '../../evals/hellaswag/score.ts';
import { groupsOf, pack } from '../../evals/packing.ts';
import type { Session } from '../devices/device.ts';
import type { Scorer } from './scorer.ts';

/**
 * Scores HellaSwag items.
 * @param questions by their place in the file
 * @param isCancelled asked between batches
 * @yields the items whose scores are complete, batch by batch
 */
export async function* scoreItems(
  session: Session,
  scorer: Scorer,
  questions: ReadonlyMap<number, HellaswagQuestion>,
  isCancelled = () => false,
): AsyncGenerator<ItemScore[]> {
  const groups = [...questions].flatMap(([index, q]) => groupsOf(index, q, scorer.contextLength, scorer.rows));
  const missing = new Map<number, number>();
  for (const { question, choices } of groups) missing.set(question, (missing.get(question) ?? 0) + choices.length);
  // A choice without tokens has probability 1.
  const logprobs = new Map([...questions].map(([index, q]) => [index, q.choices.map(() => 0)]));
  const scoreOf = (index: number): ItemScore => {
    const { label, characters } = questions.get(index)!;
    return { index, label, logprobs: logprobs.get(index)!, characters };
  };
  for (const bin of pack(groups, scorer.rows)) {
    if (isCancelled()) return;
    const done: ItemScore[] = [];
    for (const { question, choice, logprob } of await scorer.score(session, bin)) {
      logprobs.get(question)![choice] = logprob;
      const left = missing.get(question)! - 1;
      missing.set(question, left);
      if (left === 0) done.push(scoreOf(question));
    }
    yield done;
  }
}
