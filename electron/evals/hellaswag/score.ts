/** What came of one item. */
export interface ItemScore {
  /** Place in the file. */
  readonly index: number;
  readonly label: number;
  /** Log-probability of each ending, in nats. */
  readonly logprobs: readonly number[];
  /** Characters of each ending. */
  readonly characters: readonly number[];
}

export interface HellaswagResult {
  readonly items: number;
  /** Part of the items whose right ending is the likeliest. */
  readonly acc: number;
  /** The same with each ending's log-probability divided by its characters. */
  readonly accNorm: number;
  /** Standard errors: √(p (1 − p) / (n − 1)); NaN for a single item. */
  readonly accStderr: number;
  readonly accNormStderr: number;
}

/** The place of the largest; the first wins a tie. */
const largest = (values: readonly number[]): number => values.reduce((best, v, i) => (v > values[best]! ? i : best), 0);

export const predicted = ({ logprobs }: ItemScore): number => largest(logprobs);

export const predictedNorm = ({ logprobs, characters }: ItemScore): number =>
  largest(logprobs.map((l, i) => l / Math.max(1, characters[i]!)));

/** Accuracies as lm-evaluation-harness reports them. */
export function summarize(scores: readonly ItemScore[]): HellaswagResult {
  const items = scores.length;
  const part = (predict: (s: ItemScore) => number) => scores.filter((s) => predict(s) === s.label).length / items;
  const error = (p: number) => Math.sqrt((p * (1 - p)) / (items - 1));
  const [acc, accNorm] = [part(predicted), part(predictedNorm)];
  return { items, acc, accNorm, accStderr: error(acc), accNormStderr: error(accNorm) };
}
