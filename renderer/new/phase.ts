import type { Phase } from '../../electron/api/types.ts';

/** A phase as it is typed: numbers may be unfinished. */
export interface PhaseDraft {
  kind: Phase['kind'];
  unit: 'steps' | 'tokens';
  length: string;
  from: string;
  to: string;
  optimizer: string;
  batch: string;
  subset: string;
  rest: Partial<Phase>;
}

/** A number that may be written as 1e-3, 262144, 10M or 1.5B; NaN when it is none. */
export function parseAmount(text: string): number {
  const match = /^\s*(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)\s*([kMB]?)\s*$/.exec(text.replaceAll(',', ''));
  return match ? Number(match[1]) * { '': 1, k: 1e3, M: 1e6, B: 1e9 }[match[2] as '' | 'k' | 'M' | 'B'] : Number.NaN;
}

export function draftOf(phase: Phase): PhaseDraft {
  const { kind, steps, tokens, from, to, optimizer, batch, subset, ...rest } = phase;
  return {
    kind,
    unit: tokens === undefined ? 'steps' : 'tokens',
    length: String(steps ?? tokens ?? ''),
    from: String(from),
    to: String(to),
    optimizer: optimizer ?? '',
    batch: batch === undefined ? '' : String(batch),
    subset: subset ? `${subset.from}-${subset.to}%` : '',
    rest,
  };
}

/** What the studio is asked about: wrong numbers become NaN or text, which it refuses where they are. */
export function phaseOf(draft: PhaseDraft): Record<string, unknown> {
  const { kind, unit, optimizer, batch, subset } = draft;
  const from = parseAmount(draft.from);
  const [, low, high] = /^\s*(\d+)\s*-\s*(\d+)\s*%?\s*$/.exec(subset) ?? [];
  return {
    ...draft.rest,
    kind,
    [unit]: parseAmount(draft.length),
    from,
    to: kind === 'constant' ? from : parseAmount(draft.to),
    ...(optimizer === '' ? {} : { optimizer }),
    ...(batch.trim() === '' ? {} : { batch: parseAmount(batch) }),
    ...(subset.trim() === '' ? {} : { subset: { from: Number(low ?? Number.NaN), to: Number(high ?? Number.NaN) } }),
  };
}
