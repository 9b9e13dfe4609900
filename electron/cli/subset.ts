import type { Subset } from '../data/subsets.ts';
import { UsageError } from '../base/errors.ts';

/** A part of the documents, such as `50-80%`. @throws UsageError that quotes it */
export function parseSubset(flag: string, text: string): Subset {
  const [, from, to] = /^(\d+)-(\d+)%?$/.exec(text) ?? [];
  if (from === undefined || Number(from) >= Number(to) || Number(to) > 100) {
    throw new UsageError(`${flag} needs a range of whole percent such as 0-50%, not "${text}".`);
  }
  return { from: Number(from), to: Number(to) };
}
