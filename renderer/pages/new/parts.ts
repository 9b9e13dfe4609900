import type { MixPart, Phase } from '../../../electron/api/types.ts';

/** A source of training data as it is typed: a dataset, a part of its documents, a weight. */
export interface PartDraft {
  /** Empty: the run's own. */
  dataset: string;
  range: string;
  weight: string;
}

export const partDraft = (dataset = ''): PartDraft => ({ dataset, range: '', weight: '1' });

type Sources = Pick<Phase, 'dataset' | 'subset' | 'mix'>;

export function partsOf({ dataset, subset, mix }: Sources): PartDraft[] {
  if (mix) return mix.map((part) => ({ ...part, range: rangeOf(part.subset), weight: String(part.weight) }));
  return dataset === undefined && rangeOf(subset) === ''
    ? []
    : [{ dataset: dataset ?? '', range: rangeOf(subset), weight: '1' }];
}

const rangeOf = (subset: MixPart['subset'] | undefined): string =>
  !subset || (subset.from === 0 && subset.to === 100) ? '' : `${subset.from}-${subset.to}%`;

/** Whether some of it is being prepared still: a phase on it waits. */
export const isMade = (parts: readonly PartDraft[], making: readonly string[]): boolean =>
  parts.some(({ dataset }) => making.includes(dataset));

/** What the studio is asked about: a wrong range or weight becomes NaN, which it refuses where it is. */
export function sourcesOf(parts: readonly PartDraft[], own: string): Record<string, unknown> {
  const [only, second] = parts;
  if (!only) return {};
  if (second) {
    return {
      mix: parts.map(({ dataset, range, weight }) => ({
        dataset: dataset || own,
        ...subsetOf(range),
        weight: weight.trim() === '' ? Number.NaN : Number(weight),
      })),
    };
  }
  return { ...(only.dataset === '' ? {} : { dataset: only.dataset }), ...subsetOf(only.range) };
}

function subsetOf(range: string): Record<string, unknown> {
  if (range.trim() === '') return {};
  const [, from, to] = /^\s*(\d+)\s*-\s*(\d+)\s*%?\s*$/.exec(range) ?? [];
  return { subset: { from: Number(from ?? Number.NaN), to: Number(to ?? Number.NaN) } };
}
