import { problemText } from './text.ts';

export interface Limits {
  readonly min?: number;
  /** It must be more than this. */
  readonly above?: number;
  readonly max?: number;
  readonly whole?: boolean;
}

/**
 * What is wrong with a number of a form, where nothing needs to be asked to know it.
 * @param value as `NumberField` has it
 */
export function numberProblem(value: number | null, { min, above, max, whole = false }: Limits): string | undefined {
  if (value === null || !Number.isFinite(value)) return problemText.noNumber;
  if (min !== undefined && value < min) return problemText.min(min);
  if (above !== undefined && value <= above) return problemText.above(above);
  if (max !== undefined && value > max) return problemText.max(max);
  // Beyond this whole numbers aren't told apart: such a seed would be another one.
  if (whole && value > Number.MAX_SAFE_INTEGER) return problemText.max(Number.MAX_SAFE_INTEGER);
  return whole && !Number.isInteger(value) ? problemText.notWhole : undefined;
}
