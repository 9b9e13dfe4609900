import type { MixPart } from '../data/sampling/mix.ts';
import { everything } from '../data/subsets.ts';
import { UsageError } from '../base/errors.ts';
import { parseNumber } from './numbers.ts';
import { parseSubset } from './subset.ts';

/**
 * Parses `NAME[@RANGE][*WEIGHT][+…]`, such as `books@0-50%*3+web`.
 * @throws UsageError that quotes the part
 */
export function parseMix(flag: string, text: string): MixPart[] {
  if (text.trim() === '')
    throw new UsageError(`${flag} is empty: write datasets with parts and weights, such as books@0-50%*3+web.`);
  return text.split('+').map((part) => {
    const [, name, range, weight] = /^([^@*]+)(?:@([^@*]+))?(?:\*([^@*]+))?$/.exec(part.trim()) ?? [];
    const dataset = name?.trim();
    if (!dataset) {
      const what = part.trim() === '' ? 'has nothing beside a +' : `has "${part}"`;
      throw new UsageError(`${flag} ${what}: write datasets with parts and weights, such as books@0-50%*3+web.`);
    }
    const value = weight === undefined ? 1 : parseNumber(`${flag} (the weight of ${dataset})`, weight);
    if (!(value > 0)) throw new UsageError(`${flag} needs weights above 0, and ${dataset} has ${weight}.`);
    return { dataset, subset: range === undefined ? everything : parseSubset(flag, range), weight: value };
  });
}
