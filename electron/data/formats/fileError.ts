import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { flagFor, likelyText, showNames } from './fields.ts';

/** What can be wrong with a file as a whole. */
export type Trouble = 'damaged' | 'cut off' | 'unsupported' | 'wrong type';

/** A file that can't be read as documents: what is the matter, and what to do about it. */
export class FileError extends Error {
  readonly trouble: Trouble;
  /** What the user can do, as an imperative. */
  readonly advice: string;

  /** @param what predicate of a sentence whose subject is the file: "ends early" */
  constructor(trouble: Trouble, what: string, advice: string, options?: ErrorOptions) {
    super(what, options);
    this.trouble = trouble;
    this.advice = advice;
  }
}

export const damaged = (detail: string, cause?: unknown): FileError =>
  new FileError('damaged', `is damaged (${detail})`, 'copy or download it again', { cause });

export const cutOff = (cause?: unknown): FileError =>
  new FileError('cut off', 'ends early, as if it had been cut off', 'copy or download it again', { cause });

/** Of a table. */
export function noColumn(name: string, columns: readonly string[]): FileError {
  const there = columns.length === 0 ? 'it has no columns at all' : `there are ${showNames(columns)}`;
  const likely = likelyText(columns) ?? columns[0];
  const advice =
    likely === undefined ? 'look at what was saved' : `name the column of the text, such as ${flagFor(likely)}`;
  return new FileError('wrong type', `has no column ${name} (${there})`, advice);
}

/** Why a file can't be read, and what to do about it. */
export interface Fault {
  readonly reason: string;
  /** Default: to mend it. */
  readonly advice?: string;
}

/** @returns undefined of what has another reason than the file */
export function faultOf(error: unknown): Fault | undefined {
  if (error instanceof FileError) return { reason: `it ${error.message}`, advice: error.advice };
  return isSystemError(error) ? { reason: meaningOf(error) } : undefined;
}
