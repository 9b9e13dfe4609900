import type { Phase } from '../../../electron/api/types.ts';
import { parseAmount } from '../../ui/numbers.ts';
import { isMade, type PartDraft, partsOf, sourcesOf } from './parts.ts';

/** A phase as it is typed: numbers may be unfinished. */
export interface PhaseDraft {
  kind: Phase['kind'];
  unit: 'steps' | 'tokens';
  length: string;
  from: string;
  to: string;
  optimizer: string;
  batch: string;
  /** What it trains on; empty: what the run does. */
  data: PartDraft[];
  /** Its learning rate does not follow the one before, though it may be the same. */
  unlinked?: boolean;
  rest: Partial<Phase>;
}

/** How long a phase is, as it is typed: a unit behind the number (2Msteps, 10Mtok) goes before the one that is chosen. */
export function lengthOf({ length, unit: chosen }: Pick<PhaseDraft, 'length' | 'unit'>): {
  readonly unit: PhaseDraft['unit'];
  readonly amount: string;
  readonly size: number;
} {
  const [, amount = '', typed = ''] = /^\s*(.*?)\s*(steps?|tok(?:ens?)?)?\s*$/.exec(length) ?? [];
  const unit = typed === '' ? chosen : typed.startsWith('tok') ? 'tokens' : 'steps';
  return { unit, amount, size: parseAmount(amount) };
}

export function draftOf(phase: Phase): PhaseDraft {
  const { kind, steps, tokens, from, to, optimizer, batch, dataset, subset, mix, ...rest } = phase;
  return {
    kind,
    unit: tokens === undefined ? 'steps' : 'tokens',
    length: String(steps ?? tokens ?? ''),
    from: String(from),
    to: String(to),
    optimizer: optimizer ?? '',
    batch: batch === undefined ? '' : String(batch),
    data: partsOf({
      ...(dataset === undefined ? {} : { dataset }),
      ...(subset ? { subset } : {}),
      ...(mix ? { mix } : {}),
    }),
    rest,
  };
}

/**
 * What the studio is asked about: wrong numbers become NaN or text, which it refuses where they are.
 * @param own the run's dataset
 * @param making datasets that are being prepared still
 */
export function phaseOf(draft: PhaseDraft, own: string, making: readonly string[] = []): Record<string, unknown> {
  const { kind, optimizer, batch, data } = draft;
  const { unit, size } = lengthOf(draft);
  const from = parseAmount(draft.from);
  return {
    ...draft.rest,
    kind,
    [unit]: size,
    from,
    to: kind === 'constant' ? from : parseAmount(draft.to),
    ...(optimizer === '' ? {} : { optimizer }),
    ...(batch.trim() === '' ? {} : { batch: parseAmount(batch) }),
    ...sourcesOf(data, own),
    ...(isMade(data, making) ? { wait: true } : {}),
  };
}
