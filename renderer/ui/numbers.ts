import { readNumber } from '../format.ts';
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

/** Commas that stand between thousands, as they are shown: 262,144. Any other comma may be meant for a decimal point. */
const thousands = /^\s*[+-]?[1-9]\d{0,2}(,\d{3})+(?!\d|,)/;

/** A number that may be written as 1e-3, 262144, 262,144, 262K, 10M or 1.5B; NaN when it is none. */
export const parseAmount = (text: string): number => readNumber(thousands.test(text) ? text.replaceAll(',', '') : text);

/** What assistive technology is told of a number: it knows none with an exponent. */
export const valueNow = (x: unknown): Record<string, string> =>
  typeof x === 'number' && Number.isFinite(x)
    ? { 'aria-valuenow': x.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 }) }
    : {};

/**
 * A number as it is typed, counted on by an arrow key: 0.95 by its last digit, a whole number by whole ones.
 * @returns undefined where it is written in another way, as 1e-3, and stays as it is
 */
export function stepped(
  typed: string,
  by: number,
  { min = -Infinity, max = Infinity }: { readonly min?: number | undefined; readonly max?: number | undefined },
): string | undefined {
  const text = typed.trim() || '0';
  const [, decimals] = /^-?\d+(?:\.(\d+))?$/.exec(text) ?? ['', null];
  if (decimals === null) return undefined;
  const digits = decimals?.length ?? 0;
  const next = Math.min(max, Math.max(min, Number(text) + by / 10 ** digits));
  return next.toFixed(digits);
}
