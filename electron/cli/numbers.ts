import { UsageError } from '../errors.ts';

/** A number that may be written as 1e-3, 262144, 10M or 1.5B. @throws UsageError that names the flag */
export function parseNumber(flag: string, text: string): number {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([kMB]?)$/.exec(text.replaceAll('_', '').trim());
  const value = match
    ? Number(match[1]) * { '': 1, k: 1e3, M: 1e6, B: 1e9 }[match[2] as '' | 'k' | 'M' | 'B']
    : Number.NaN;
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
