import { text } from '../text.ts';

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
  const t = text.problems;
  if (value === null || !Number.isFinite(value)) return t.noNumber;
  if (min !== undefined && value < min) return t.least(min);
  if (above !== undefined && value <= above) return t.above(above);
  if (max !== undefined && value > max) return t.most(max);
  // Beyond this whole numbers aren't told apart: such a seed would be another one.
  if (whole && value > Number.MAX_SAFE_INTEGER) return t.most(Number.MAX_SAFE_INTEGER);
  return whole && !Number.isInteger(value) ? t.notWhole : undefined;
}
