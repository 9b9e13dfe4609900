import type { Command } from 'commander';
import { UsageError } from '../base/errors.ts';
import { readNumber } from '../base/format.ts';

/** A number that may be written as 1e-3, 262144, 262K, 10M or 1.5B. @throws UsageError that names the flag */
export function parseNumber(flag: string, text: string): number {
  const value = readNumber(text.replace(/(?<=\d)_(?=\d)/g, ''));
  if (!Number.isFinite(value)) throw new UsageError(`${flag} needs a number, not "${text}".`);
  return value;
}

/** A learning rate. @throws UsageError that names the flag when the text is no number of 0 or more */
export function parseRate(flag: string, text: string): number {
  const value = parseNumber(flag, text);
  if (value < 0) throw new UsageError(`${flag} needs a learning rate of 0 or more, not "${text}".`);
  return value;
}

/** @throws UsageError that names the flag when the text is no whole number from `min` to `max` */
export function parseInteger(flag: string, text: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const value = parseNumber(flag, text);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new UsageError(`${flag} needs a whole number ${range}, not "${text}".`);
  }
  return value;
}

/** @throws UsageError that names the flag when the text is no TCP port; 0 is any that is free */
export const parsePort = (flag: string, text: string): number => parseInteger(flag, text, 0, 65_535);

/** What stands for a number in the help of a flag, and whether it is a whole one of 0 or more. */
const placeholders: Readonly<Record<string, 'whole' | 'real'>> = {
  n: 'whole',
  steps: 'whole',
  MiB: 'whole',
  GiB: 'real',
  x: 'real',
  p: 'real',
  z: 'real',
  seconds: 'real',
};

/** The kind of number that a flag takes, by its help: `--batch <n>`; undefined where it takes none. */
export const numberKind = (flags: string): 'whole' | 'real' | undefined =>
  placeholders[/<([a-z]+)>/i.exec(flags)?.[1] ?? ''];

/**
 * Looks at every number that a command was given before it does anything, also at those that it has no use for.
 * @throws UsageError that names the first flag whose value is no number
 */
export function requireNumbers(command: Command): void {
  for (const option of command.options) {
    const kind = numberKind(option.flags);
    const value: unknown = command.getOptionValue(option.attributeName());
    if (kind === undefined || typeof value !== 'string') continue;
    const number = parseNumber(option.long!, value);
    // How small or large it may be is the command's to say.
    if (kind === 'whole' && !(Number.isSafeInteger(number) && number >= 0)) {
      throw new UsageError(`${option.long!} needs a whole number, not "${value}".`);
    }
  }
}
