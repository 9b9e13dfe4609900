import type { RunView } from '../../electron/api/types.ts';

/**
 * What losses are told in. A token of one tokenizer stands for more text than one of another: nats per token compare within a
 * tokenizer, bits per byte of text across them.
 */
export type LossUnit = 'token' | 'byte';

type Tokenized = Pick<RunView, 'tokenizer'>;

/** The unit in which losses of some runs are one measure. */
export const lossUnitOf = (runs: readonly Tokenized[]): LossUnit =>
  new Set(runs.map((r) => r.tokenizer)).size > 1 ? 'byte' : 'token';

/** A run's best validation loss in a unit; null where it is not known in that one. */
export const bestLossOf = (run: Pick<RunView, 'bestValLoss' | 'bestBitsPerByte'>, unit: LossUnit): number | null =>
  unit === 'token' ? run.bestValLoss : run.bestBitsPerByte;

/** Whether published curves, which count GPT-2's tokens, may be laid over these runs. */
export const countGpt2Tokens = (runs: readonly Tokenized[]): boolean =>
  runs.length > 0 && runs.every((r) => r.tokenizer === 'gpt2');

/** Orders by a loss within each tokenizer, one tokenizer after the other: losses per token of two are no ranking. */
export const byTokenizer = (tokenizer: string, loss: number | null): readonly [string, number] => [
  tokenizer,
  loss === null || Number.isNaN(loss) ? Infinity : loss,
];
