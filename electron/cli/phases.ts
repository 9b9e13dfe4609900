import type { Phase } from '../engine/config.ts';
import { UsageError } from '../errors.ts';
import { parseNumber } from './numbers.ts';

const example = 'Write kind:length:from[:to], for example cosine:1900:1e-3:1e-4 or constant:10Mtok:9e-5.';

/**
 * Parses `kind:length:from[:to]`. A length is in steps, or in tokens with the suffix `tok`.
 * @throws UsageError that quotes the phase
 */
export function parsePhase(text: string): Phase {
  const parts = text.split(':');
  const [kind, length, from, to] = parts;
  if (parts.length < 3 || parts.length > 4) throw new UsageError(`The phase "${text}" is not understood. ${example}`);
  if (kind !== 'warmup' && kind !== 'cosine' && kind !== 'constant') {
    throw new UsageError(`The phase "${text}" has kind "${kind}", not warmup, cosine or constant.`);
  }
  if (to === undefined && kind !== 'constant')
    throw new UsageError(`The phase "${text}" needs a rate at its end. ${example}`);
  const inTokens = length!.endsWith('tok');
  const size = parseNumber('--phase', inTokens ? length!.slice(0, -3) : length!);
  const first = parseNumber('--phase', from!);
  return {
    kind,
    ...(inTokens ? { tokens: size } : { steps: size }),
    from: first,
    to: to === undefined ? first : parseNumber('--phase', to),
  };
}

export interface SimpleSchedule {
  readonly steps: number;
  readonly peak: number;
  readonly warmupSteps: number;
  readonly least: number;
}

/** The usual schedule: linear warm-up from near zero, then half a cosine down to the lowest rate. */
export function simplePhases({ steps, peak, warmupSteps, least }: SimpleSchedule): Phase[] {
  if (warmupSteps >= steps) {
    throw new UsageError(`The warm-up (${warmupSteps} steps) must be shorter than the run (${steps} steps).`);
  }
  const warmup: Phase[] =
    warmupSteps > 0 ? [{ kind: 'warmup', steps: warmupSteps, from: peak / warmupSteps, to: peak }] : [];
  return [...warmup, { kind: 'cosine', steps: steps - warmupSteps, from: peak, to: least }];
}
