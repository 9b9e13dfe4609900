import { UsageError } from '../errors.ts';

/** A number that may be written as 1e-3, 262144, 10M or 1.5B. @throws UsageError that names the flag */
export function parseNumber(flag: string, text: string): number {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([kMB]?)$/.exec(text.replaceAll('_', '').trim());
  const value = match ? multiplied(match[1]!, match[2]!) : Number.NaN;
  if (!Number.isFinite(value)) throw new UsageError(`${flag} needs a number, not "${text}".`);
  return value;
}

/** A learning rate. @throws UsageError that names the flag when the text is no number of 0 or more */
export function parseRate(flag: string, text: string): number {
  const value = parseNumber(flag, text);
  if (value < 0) throw new UsageError(`${flag} needs a learning rate of 0 or more, not "${text}".`);
  return value;
}

/** @throws UsageError that names the flag when the text is no whole number of at least `least` */
export function parseInteger(flag: string, text: string, least = 0): number {
  const value = parseNumber(flag, text);
  if (!Number.isInteger(value) || value < least) {
    throw new UsageError(`${flag} needs a whole number of at least ${least}, not "${text}".`);
  }
  return value;
}

const powers: Readonly<Record<string, number>> = { k: 3, M: 6, B: 9 };

/** Rounded once: 1.001M is 1,001,000, where 1.001 × 1e6 is a little less. */
function multiplied(digits: string, multiplier: string): number {
  const [mantissa, exponent = '0'] = digits.split('e');
  return Number(`${mantissa}e${Number(exponent) + (powers[multiplier] ?? 0)}`);
}
