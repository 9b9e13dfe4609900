import type { EvalRow } from '../../../electron/api/types.ts';
import { type Key, known, sortedBy, withWords } from '../../ui/sorting.ts';

/** Columns of the table of evaluations, in their order. */
export const evalColumns = ['run', 'step', 'loss', 'perplexity', 'bitsPerByte', 'acc', 'accNorm'] as const;
export type EvalColumn = (typeof evalColumns)[number];

/** What is best where it is great, or last: a first click puts that on top. Of losses the lowest is. */
const greatestFirst: ReadonlySet<EvalColumn> = new Set(['step', 'acc', 'accNorm']);
export const startsDown = (column: EvalColumn): boolean => greatestFirst.has(column);

const keys: Readonly<Record<EvalColumn, (row: EvalRow) => Key>> = {
  run: (r) => [r.name.toLowerCase(), r.run],
  step: (r) => [r.step],
  // Losses per token of two tokenizers are no ranking: one tokenizer after the other.
  loss: (r) => [r.validation ? r.tokenizer : null, known(r.validation?.loss)],
  perplexity: (r) => [r.validation ? r.tokenizer : null, known(r.validation?.loss)],
  bitsPerByte: (r) => [known(r.validation?.bitsPerByte)],
  acc: (r) => [known(r.hellaswag?.acc)],
  accNorm: (r) => [known(r.hellaswag?.accNorm)],
};

/** Rows in the order of a column. What is equal stays in the order that it has. */
export const sorted = (rows: readonly EvalRow[], column: EvalColumn, down: boolean): EvalRow[] =>
  sortedBy(rows, keys[column], down);

/** Rows whose run, data or tokenizer hold each of some words. @param pinned of those that are pinned alone */
export const matching = (rows: readonly EvalRow[], query: string, pinned: boolean): EvalRow[] =>
  withWords(
    rows.filter((row) => !pinned || row.pinned),
    query,
    (r) => `${r.name} ${r.run} ${r.tokenizer} ${r.validation?.on ?? ''} ${r.hellaswag?.on ?? ''}`,
  );

export const keyOf = (row: EvalRow): string => `${row.run} ${row.step} ${row.validation?.on} ${row.hellaswag?.on}`;

/** A row as it is shown among others. */
export interface ListedRow {
  readonly row: EvalRow;
  /** It names its run and step: the row above has others. */
  readonly named: boolean;
  /** The row of a step that its buttons stand in: the first. */
  readonly first: boolean;
}

export function listedRows(rows: readonly EvalRow[]): ListedRow[] {
  const steps = new Set<string>();
  let above = '';
  return rows.map((row) => {
    const step = `${row.run} ${row.step}`;
    const first = !steps.has(step);
    steps.add(step);
    const named = step !== above;
    above = step;
    return { row, named, first };
  });
}
